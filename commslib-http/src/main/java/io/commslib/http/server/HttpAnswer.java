package io.commslib.http.server;

import io.commslib.core.checks.Checks;
import io.commslib.http.Problem;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The answer of a handler. Immutable, if its body is. */
public final class HttpAnswer {

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}");
  private static final int MAX_VALUE_CHARS = 8_192;
  private static final Duration LONGEST_WAIT = Duration.ofDays(365);

  /** These fields frame the answer; a second value would let the next answer be forged. */
  private static final Set<String> OF_THE_SERVER =
      Set.of("content-length", "transfer-encoding", "connection", "content-type");

  private final int status;
  private final Map<String, List<String>> headers;
  private final @Nullable Object body;
  private final @Nullable String contentType;

  private HttpAnswer(
      int status,
      Map<String, List<String>> headers,
      @Nullable Object body,
      @Nullable String contentType) {
    this.status = status;
    this.headers = headers;
    this.body = body;
    this.contentType = contentType;
  }

  /**
   * Returns an answer without a body.
   *
   * @param status the status code, 200 to 599
   * @return the answer
   * @throws IllegalArgumentException if the status is out of range
   */
  public static HttpAnswer of(int status) {
    return new HttpAnswer(Checks.inRange("status", status, 200, 599), Map.of(), null, null);
  }

  /**
   * Returns an answer with status 200.
   *
   * @param body encoded by the codec of the routes
   * @return the answer
   */
  public static HttpAnswer ok(Object body) {
    return of(200).withBody(body);
  }

  /**
   * Returns an answer for something that may not exist, as a typed client reads into an {@code
   * Optional}.
   *
   * @param body encoded by the codec of the routes
   * @return an answer with status 200, or with status 404 and no body if the argument is empty
   */
  public static HttpAnswer okOrNotFound(Optional<?> body) {
    return body.<HttpAnswer>map(HttpAnswer::ok).orElseGet(() -> of(404));
  }

  /**
   * Returns an answer with status 201.
   *
   * @param location the URI of what was created
   * @return the answer
   * @throws IllegalArgumentException if the URI has control characters
   */
  public static HttpAnswer created(String location) {
    return of(201).withHeader("Location", location);
  }

  /**
   * Returns an answer with status 202: the request will take effect later.
   *
   * @return the answer
   */
  public static HttpAnswer accepted() {
    return of(202);
  }

  /**
   * Returns an answer with status 204.
   *
   * @return the answer
   */
  public static HttpAnswer noContent() {
    return of(204);
  }

  /**
   * Returns an answer with problem details. Their wait before a repetition is also sent as {@code
   * Retry-After}.
   *
   * @param problem the details
   * @return the answer
   * @throws IllegalArgumentException if the status of the details is below 200
   */
  public static HttpAnswer problem(Problem problem) {
    HttpAnswer answer = of(problem.status()).withBytes(Problem.MEDIA_TYPE, problem.toJson());
    return problem.retryAfter().map(wait -> answer.withRetryAfter(bounded(wait))).orElse(answer);
  }

  private static Duration bounded(Duration wait) {
    return wait.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : wait;
  }

  /**
   * Returns a copy with a body.
   *
   * @param value encoded by the codec of the routes
   * @return the copy
   * @throws IllegalArgumentException if the status is 204, 205 or 304, which have no body
   */
  public HttpAnswer withBody(Object value) {
    checkBodyAllowed();
    return new HttpAnswer(status, headers, Objects.requireNonNull(value, "value"), null);
  }

  /**
   * Returns a copy with a body that is encoded already.
   *
   * @param type the media type
   * @param bytes the body; not copied
   * @return the copy
   * @throws IllegalArgumentException if the type has control characters, or the status is 204, 205
   *     or 304, which have no body
   */
  public HttpAnswer withBytes(String type, byte[] bytes) {
    checkBodyAllowed();
    return new HttpAnswer(
        status,
        headers,
        Objects.requireNonNull(bytes, "bytes"),
        Checks.text("contentType", type, 1, 256));
  }

  private void checkBodyAllowed() {
    Checks.check(
        status != 204 && status != 205 && status != 304, "status", status, "one with a body");
  }

  /**
   * Returns a copy with a further value of a header field.
   *
   * @param name a token of HTTP; not {@code Content-Type}, {@code Content-Length}, {@code
   *     Transfer-Encoding} or {@code Connection}
   * @param value up to 8,192 characters of ISO 8859-1 without control characters
   * @return the copy
   * @throws IllegalArgumentException if name or value break their rule, for example by a line end
   */
  public HttpAnswer withHeader(String name, String value) {
    Checks.matches("header name", name, NAME, "a token of HTTP");
    Checks.check(
        !OF_THE_SERVER.contains(name.toLowerCase(Locale.ROOT)),
        "header name",
        name,
        "not one that the server writes");
    Checks.text("header value", value, 0, MAX_VALUE_CHARS);
    Checks.check(
        value.chars().allMatch(c -> c < 0x100 && (c < 0x7f || c > 0x9f)),
        "header value",
        Checks.shorten(value),
        "characters of ISO 8859-1 without control characters");
    Map<String, List<String>> more = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    more.putAll(headers);
    List<String> values = new ArrayList<>(more.getOrDefault(name, List.of()));
    values.add(value);
    more.put(name, List.copyOf(values));
    return new HttpAnswer(status, more, body, contentType);
  }

  /**
   * Returns a copy with {@code Retry-After}.
   *
   * @param wait zero or more, up to 365 days; sent in whole seconds, rounded up
   * @return the copy
   * @throws IllegalArgumentException if the wait is out of range
   */
  public HttpAnswer withRetryAfter(Duration wait) {
    Checks.inRange("retryAfter", wait, Duration.ZERO, LONGEST_WAIT);
    Map<String, List<String>> more = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    more.putAll(headers);
    // Rounded down, a client would repeat too early.
    long seconds = wait.toSeconds() + (wait.getNano() > 0 ? 1 : 0);
    more.put("Retry-After", List.of(Long.toString(seconds)));
    return new HttpAnswer(status, more, body, contentType);
  }

  /** {@return the status code} */
  public int status() {
    return status;
  }

  /** {@return the header fields} */
  Map<String, List<String>> headers() {
    return headers;
  }

  /** {@return the value to encode, or bytes if there is a media type; null without a body} */
  @Nullable Object body() {
    return body;
  }

  /** {@return the media type of a body that is encoded already} */
  Optional<String> contentType() {
    return Optional.ofNullable(contentType);
  }

  /** {@return the status, for log lines; no content} */
  @Override
  public String toString() {
    return "HttpAnswer{" + status + "}";
  }
}
