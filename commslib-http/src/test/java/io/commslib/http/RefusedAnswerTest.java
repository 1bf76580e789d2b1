package io.commslib.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.SendCertainty;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** An answer that this side refuses to read is an answer, which a repetition would bring again. */
class RefusedAnswerTest {

  private static final int MAX_BYTES = 1_000;

  /** The race between refusal and end of the stream is lost in some calls only. */
  private static final int CALLS = 40;

  private final HttpFixture fixture = new HttpFixture();
  private final AtomicInteger requests = new AtomicInteger();
  private final Server server = new Server();
  private final ServerConnector connector =
      new ServerConnector(
          server,
          new HttpConnectionFactory(new HttpConfiguration()),
          new HTTP2CServerConnectionFactory(new HttpConfiguration()));

  @BeforeEach
  void start() throws Exception {
    connector.setHost("127.0.0.1");
    server.addConnector(connector);
    server.setHandler(new LargeAnswers());
    server.start();
  }

  @AfterEach
  void stop() throws Exception {
    server.stop();
    fixture.close();
  }

  /** Answers with more than the bound, of a length that the last part of the path announces. */
  private final class LargeAnswers extends Handler.Abstract {
    @Override
    public boolean handle(Request request, Response response, Callback callback) {
      String path = request.getHttpURI().getPath();
      if (path.equals("/first")) {
        callback.succeeded();
        return true;
      }
      requests.incrementAndGet();
      response.setStatus(path.startsWith("/busy") ? 503 : 200);
      if (path.endsWith("/announced")) {
        response.getHeaders().put("Content-Length", 100L * MAX_BYTES);
      }
      response.write(true, ByteBuffer.allocate(100 * MAX_BYTES), callback);
      return true;
    }
  }

  private URI uri() {
    return URI.create("http://127.0.0.1:" + connector.getLocalPort());
  }

  private HttpService service(HttpClient.Version version) {
    HttpService service =
        HttpService.builder("pricing", uri())
            .client(HttpClient.newBuilder().version(version).build())
            .maxAnswerBytes(MAX_BYTES)
            .build(fixture.resilience);
    // Over HTTP/2 the first request upgrades the connection.
    service.get("/first").send();
    return service;
  }

  @ParameterizedTest
  @CsvSource({
    "HTTP_1_1, /announced",
    "HTTP_1_1, /chunked",
    "HTTP_1_1, /busy/chunked",
    "HTTP_2, /announced",
    "HTTP_2, /chunked",
    "HTTP_2, /busy/announced",
    "HTTP_2, /busy/chunked"
  })
  void anAnswerOverTheBoundIsNotRepeated(HttpClient.Version version, String path) {
    HttpService service = service(version);
    for (int i = 0; i < CALLS; i++) {
      assertThatThrownBy(() -> service.get(path).send())
          .isInstanceOfSatisfying(
              HttpAnswerException.class,
              e -> {
                assertThat(e.code()).isEqualTo("COMMS-HTTP-002");
                assertThat(e.outcome().certainty()).isEqualTo(SendCertainty.ANSWERED);
              });
    }
    assertThat(requests).hasValue(CALLS);
    assertThat(service.guard().inFlight()).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void aFailingAnswerOverTheBoundOfAStreamIsNotRepeated(HttpClient.Version version) {
    HttpService service = service(version);
    for (int i = 0; i < CALLS; i++) {
      assertThatThrownBy(() -> service.get("/busy/chunked").stream(body -> 0))
          .isInstanceOfSatisfying(
              HttpAnswerException.class, e -> assertThat(e.code()).isEqualTo("COMMS-HTTP-002"));
    }
    assertThat(requests).hasValue(CALLS);
  }

  /** Refuses a body at its first part, as a handler with a limit does. */
  private static final class RefusingBody implements BodySubscriber<byte[]> {
    private final CompletableFuture<byte[]> body = new CompletableFuture<>();
    private @Nullable Subscription subscription;

    @Override
    public CompletionStage<byte[]> getBody() {
      return body;
    }

    @Override
    public void onSubscribe(Subscription newSubscription) {
      subscription = newSubscription;
      newSubscription.request(1);
    }

    @Override
    public void onNext(List<ByteBuffer> part) {
      Objects.requireNonNull(subscription).cancel();
      body.completeExceptionally(new IOException("too long"));
    }

    @Override
    public void onError(Throwable failure) {
      body.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      body.complete(new byte[0]);
    }
  }

  /** Fails without a cancel. */
  private static BodyHandler<byte[]> failing() {
    return head ->
        BodySubscribers.mapping(
            BodySubscribers.ofByteArray(),
            bytes -> {
              throw new UncheckedIOException(new IOException("not readable"));
            });
  }

  private HttpClient protectedClient(HttpClient.Version version) throws Exception {
    HttpClient client =
        HttpCalls.protect(HttpClient.newBuilder().version(version).build(), fixture.resilience);
    client.send(HttpRequest.newBuilder(uri().resolve("/first")).build(), BodyHandlers.discarding());
    return client;
  }

  @ParameterizedTest
  @EnumSource
  void anAnswerThatTheHandlerOfAProtectedClientRefusesIsNotRepeated(HttpClient.Version version)
      throws Exception {
    HttpClient client = protectedClient(version);
    HttpRequest request = HttpRequest.newBuilder(uri().resolve("/chunked")).build();
    List<BodyHandler<byte[]>> handlers = List.of(head -> new RefusingBody(), failing());
    for (BodyHandler<byte[]> handler : handlers) {
      for (int i = 0; i < CALLS / 4; i++) {
        assertThatThrownBy(() -> client.send(request, handler))
            .isInstanceOf(IOException.class)
            .hasNoSuppressedExceptions();
        assertThatThrownBy(() -> client.sendAsync(request, handler).join())
            .isInstanceOf(CompletionException.class);
      }
    }
    assertThat(requests).hasValue(CALLS);
  }

  /** The places in which a handler of the user may throw. */
  private enum Place {
    HANDLER,
    BODY,
    SUBSCRIBE,
    PART,
    END
  }

  private static BodyHandler<byte[]> throwing(Place where, Throwable what) {
    return head -> {
      throwAt(Place.HANDLER, where, what);
      BodySubscriber<byte[]> healthy = BodySubscribers.ofByteArray();
      return new BodySubscriber<>() {
        @Override
        public CompletionStage<byte[]> getBody() {
          throwAt(Place.BODY, where, what);
          return healthy.getBody();
        }

        @Override
        public void onSubscribe(Subscription subscription) {
          throwAt(Place.SUBSCRIBE, where, what);
          healthy.onSubscribe(subscription);
        }

        @Override
        public void onNext(List<ByteBuffer> part) {
          throwAt(Place.PART, where, what);
          healthy.onNext(part);
        }

        @Override
        public void onError(Throwable failure) {
          healthy.onError(failure);
        }

        @Override
        public void onComplete() {
          throwAt(Place.END, where, what);
          healthy.onComplete();
        }
      };
    };
  }

  private static void throwAt(Place here, Place where, Throwable what) {
    if (here != where) {
      return;
    }
    if (what instanceof Error error) {
      throw error;
    }
    throw (RuntimeException) what;
  }

  @ParameterizedTest
  @EnumSource
  void whatAHandlerThrowsAnywhereIsNotRepeated(HttpClient.Version version) throws Exception {
    HttpClient client = protectedClient(version);
    HttpRequest request = HttpRequest.newBuilder(uri().resolve("/chunked")).build();
    for (Place place : Place.values()) {
      for (Throwable what : List.of(new IllegalStateException("no"), new AssertionError("no"))) {
        int before = requests.get();
        assertThatThrownBy(() -> client.send(request, throwing(place, what))).isNotNull();
        assertThat(requests.get() - before).as("%s %s", place, what).isOne();
      }
    }
  }
}
