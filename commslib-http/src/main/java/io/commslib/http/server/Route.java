package io.commslib.http.server;

import io.commslib.core.CodecException;
import io.commslib.core.codec.Codec;
import io.commslib.core.tx.TransactionRunner;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A template with its handler and the rules for its body. Immutable. */
final class Route {

  private final PathTemplate template;
  private final @Nullable Class<?> bodyType;
  private final Optional<Codec> codec;
  private final RouteInvocation invocation;
  private final Map<String, List<String>> headers;

  private Route(
      PathTemplate template,
      @Nullable Class<?> bodyType,
      Optional<Codec> codec,
      RouteInvocation invocation,
      Map<String, List<String>> headers) {
    this.template = template;
    this.bodyType = bodyType;
    this.codec = codec;
    this.invocation = invocation;
    this.headers = headers;
  }

  static Route of(
      PathTemplate template,
      RouteHandler handler,
      Optional<Codec> codec,
      Map<String, List<String>> headers) {
    RouteInvocation invocation =
        (request, body) -> rendered(handler.handle(request), codec, template);
    return new Route(template, null, codec, invocation, headers);
  }

  static <T> Route of(
      PathTemplate template,
      Class<T> bodyType,
      BodyRouteHandler<? super T> handler,
      Optional<Codec> codec,
      Map<String, List<String>> headers) {
    return typed(
        template,
        bodyType,
        codec,
        headers,
        (request, body, value) -> rendered(handler.handle(request, value), codec, template));
  }

  static <T> Route keyed(
      PathTemplate template,
      Class<T> bodyType,
      BodyRouteHandler<? super T> handler,
      KeyedRequests keyed,
      Optional<Codec> codec,
      Map<String, List<String>> headers) {
    return typed(
        template,
        bodyType,
        codec,
        headers,
        (request, body, value) ->
            keyed.leased(
                request, body, () -> rendered(handler.handle(request, value), codec, template)));
  }

  static <T> Route transactional(
      PathTemplate template,
      Class<T> bodyType,
      TransactionRunner transactions,
      TransactionalRouteHandler<? super T> handler,
      KeyedRequests keyed,
      Optional<Codec> codec,
      Map<String, List<String>> headers) {
    return typed(
        template,
        bodyType,
        codec,
        headers,
        (request, body, value) ->
            keyed.transactional(
                transactions,
                request,
                body,
                tx -> rendered(handler.handle(request, value, tx), codec, template)));
  }

  /** Handles a request whose body has been decoded. */
  private interface TypedInvocation<T> {
    ServerAnswer invoke(RouteRequest request, byte[] body, T value) throws Exception;
  }

  /** Decodes first of all: a body that can't be decoded must not take a key. */
  private static <T> Route typed(
      PathTemplate template,
      Class<T> bodyType,
      Optional<Codec> codec,
      Map<String, List<String>> headers,
      TypedInvocation<T> then) {
    RouteInvocation invocation =
        (request, body) -> then.invoke(request, body, decoded(body, bodyType, codec));
    return new Route(template, bodyType, codec, invocation, headers);
  }

  private static <T> T decoded(byte[] body, Class<T> type, Optional<Codec> codec) {
    if (type == byte[].class) {
      return type.cast(body);
    }
    Codec reader = codec.orElseThrow();
    try {
      return Objects.requireNonNull(reader.decode(body, type), "decoded");
    } catch (CodecException e) {
      throw new ProblemException(ServerProblems.malformedBody(reader.contentType()));
    }
  }

  private static ServerAnswer rendered(
      HttpAnswer answer, Optional<Codec> codec, PathTemplate template) {
    if (answer == null) {
      throw unusable("answer: null (expected: an answer of " + template + ")", null);
    }
    Object body = answer.body();
    if (body == null) {
      return ServerAnswer.of(answer.status(), answer.headers(), new byte[0]);
    }
    TreeMap<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    headers.putAll(answer.headers());
    if (answer.contentType().isPresent()) {
      headers.put("Content-Type", List.of(answer.contentType().get()));
      return ServerAnswer.ofSorted(answer.status(), headers, (byte[]) body);
    }
    Codec writer =
        codec.orElseThrow(() -> unusable("codec: none (expected: set by codec(...))", null));
    headers.put("Content-Type", List.of(writer.contentType()));
    return ServerAnswer.ofSorted(answer.status(), headers, encoded(body, writer));
  }

  private static byte[] encoded(Object body, Codec writer) {
    try {
      return Objects.requireNonNull(writer.encode(body), "encoded");
    } catch (RuntimeException e) {
      throw unusable("answer: can't be encoded", e);
    }
  }

  private static UnusableResultException unusable(String reason, @Nullable Throwable cause) {
    return new UnusableResultException(ServerProblems.unusableAnswer(), reason, cause);
  }

  PathTemplate template() {
    return template;
  }

  /** Decodes the body, calls the handler and encodes its answer. */
  RouteInvocation invocation() {
    return invocation;
  }

  /** The header fields of all answers of this route. */
  Map<String, List<String>> headers() {
    return headers;
  }

  boolean hasBody() {
    return bodyType != null;
  }

  /** Throws if the media type of a request is not that of the codec. */
  void checkMediaType(ServerRequest request) {
    if (bodyType == byte[].class) {
      return;
    }
    String expected = codec.orElseThrow().contentType();
    List<String> types = request.headers("Content-Type");
    List<String> codings = request.headers("Content-Encoding");
    boolean isPlain = codings.isEmpty() || codings.equals(List.of("identity"));
    if (types.size() != 1 || !isPlain || !matches(essence(types.get(0)), essence(expected))) {
      throw new ProblemException(ServerProblems.wrongMediaType(expected));
    }
  }

  private static boolean matches(String given, String expected) {
    return given.equals(expected)
        || expected.equals("application/json")
            && given.startsWith("application/")
            && given.endsWith("+json");
  }

  /** The media type without its parameters. */
  private static String essence(String type) {
    int end = type.indexOf(';');
    return (end < 0 ? type : type.substring(0, end)).strip().toLowerCase(Locale.ROOT);
  }
}
