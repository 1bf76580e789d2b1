package io.commslib.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallStatus;
import io.commslib.http.StubServer.Answer;
import io.commslib.testkit.Await;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Answers that are read while they arrive. */
class StreamedAnswerTest {

  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final String HEAD = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";

  private final HttpFixture fixture = new HttpFixture();
  private final CountDownLatch end = new CountDownLatch(1);

  @AfterEach
  void close() throws Exception {
    end.countDown();
    fixture.close();
  }

  private HttpService service(java.net.URI uri, Duration idle, Duration total) {
    return HttpService.builder("exports", uri)
        .maxAnswerBytes(1_000)
        .streamIdleTime(idle)
        .streamTime(total)
        .build(fixture.resilience);
  }

  private HttpService patient(java.net.URI uri) {
    return service(uri, Duration.ofSeconds(10), Duration.ofSeconds(20));
  }

  /** A server that sends a part of its answer, and then waits for the end of the connection. */
  private RawServer stalling(String part) throws IOException {
    return fixture.raw(
        connection -> {
          connection.readHead();
          connection.write(part);
          connection.awaitEnd();
        });
  }

  private static HttpAnswerException cut(org.assertj.core.api.ThrowableAssert.ThrowingCallable c) {
    HttpAnswerException cut = catchThrowableOfType(HttpAnswerException.class, c);
    assertThat(cut.code()).isEqualTo("COMMS-HTTP-004");
    assertThat(cut.outcome().status()).isEqualTo(CallStatus.UNAVAILABLE);
    assertThat(cut.outcome().isRetryable()).isFalse();
    return cut;
  }

  private static void assertClosed(RawServer server, int connections) {
    Await.until("the connection is closed", LIMIT, () -> server.ended.get() == connections);
  }

  private void assertFree(HttpService service) {
    assertThat(service.guard().inFlight()).isZero();
    assertThat(service.endpoints().inFlight().values()).containsOnly(0);
  }

  @Test
  void anAnswerOverTheBoundIsReadToItsEnd() throws Exception {
    byte[] large = new byte[3_000_000];
    large[2_999_999] = 7;
    StubServer server = fixture.stub(request -> new Answer(200, Map.of(), large));
    HttpService exports = patient(server.uri());
    byte[] read = exports.get("/export").stream(InputStream::readAllBytes);
    assertThat(read).isEqualTo(large);
    assertFree(exports);
  }

  @Test
  void aReaderIsGivenBytesBeforeTheEndAndHoldsItsSlot() throws Exception {
    RawServer server =
        fixture.raw(
            connection -> {
              connection.readHead();
              connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na");
              awaitEnd();
              connection.write("b");
            });
    HttpService exports = patient(server.uri());
    String read =
        exports.get("/export").stream(
            body -> {
              String first = String.valueOf((char) body.read());
              assertThat(exports.guard().inFlight()).isOne();
              assertThat(CallContext.current().deadline()).isPresent();
              end.countDown();
              return first + (char) body.read() + body.read();
            });
    assertThat(read).isEqualTo("ab-1");
    assertFree(exports);
  }

  /** As if a reader gave the body to a thread that still reads when the reader returns. */
  @Test
  void theEndOfTheCallEndsAReadOnAnotherThread() throws Exception {
    RawServer server =
        fixture.raw(
            connection -> {
              connection.readHead();
              connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na");
              connection.awaitEnd();
            });
    HttpService exports = patient(server.uri());
    CompletableFuture<String> end = new CompletableFuture<>();
    Thread reading =
        exports.get("/export").stream(
            body -> {
              Thread thread = new Thread(() -> end.complete(endOf(body)), "reads-on");
              thread.start();
              Await.until("it waits", () -> thread.getState() == Thread.State.TIMED_WAITING);
              return thread;
            });
    assertThat(end.get(20, TimeUnit.SECONDS)).isEqualTo("the answer is closed");
    reading.join(20_000);
    assertFree(exports);
  }

  private static String endOf(InputStream body) {
    try {
      return "read " + body.readAllBytes().length;
    } catch (IOException e) {
      return e.getMessage();
    }
  }

  private void awaitEnd() {
    try {
      assertThat(end.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void aStalledAnswerIsCutAfterItsIdleTime() throws Exception {
    RawServer server = stalling(HEAD + "abc");
    HttpService exports = service(server.uri(), Duration.ofMillis(150), Duration.ofSeconds(20));
    long begin = System.nanoTime();
    HttpAnswerException cut = cut(() -> exports.get("/export").stream(InputStream::readAllBytes));
    assertThat(Duration.ofNanos(System.nanoTime() - begin))
        .isBetween(Duration.ofMillis(150), Duration.ofSeconds(5));
    assertThat(cut)
        .hasMessageStartingWith(
            "COMMS-HTTP-004: the streamed answer was cut after 3 bytes: no byte for PT0.15S");
    assertClosed(server, 1);
    assertFree(exports);
  }

  @Test
  void aTrickledAnswerIsCutAtItsTime() throws Exception {
    RawServer server = trickling();
    HttpService exports = service(server.uri(), Duration.ofSeconds(10), Duration.ofMillis(300));
    long begin = System.nanoTime();
    HttpAnswerException cut = cut(() -> exports.get("/export").stream(InputStream::readAllBytes));
    assertThat(Duration.ofNanos(System.nanoTime() - begin))
        .isBetween(Duration.ofMillis(250), Duration.ofSeconds(5));
    assertThat(cut).hasMessageContaining("bytes: its time was over");
    assertThat(((CallException) cut.getCause()).code()).isEqualTo("COMMS-CALL-002");
    assertThat(Thread.interrupted()).as("the tick's interrupt is cleared").isFalse();
    assertClosed(server, 1);
    assertFree(exports);
  }

  private RawServer trickling() throws IOException {
    return fixture.raw(
        connection -> {
          connection.readHead();
          connection.write(HEAD);
          while (true) {
            connection.write("a");
            pause();
          }
        });
  }

  private void pause() {
    try {
      end.await(5, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void anEarlierDeadlineAroundItCounts() throws Exception {
    RawServer server = trickling();
    HttpService exports = patient(server.uri());
    cut(
        () ->
            CallContext.within(
                Duration.ofMillis(200),
                () -> exports.get("/export").stream(InputStream::readAllBytes)));
    assertClosed(server, 1);
  }

  /** The attempt timeout of the policy is for answers that are complete in memory. */
  @Test
  void aStreamMayLastLongerThanAnAttemptOfItsGuard() throws Exception {
    RawServer server =
        fixture.raw(
            connection -> {
              connection.readHead();
              connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
              for (int i = 0; i < 100; i++) {
                connection.write("a");
                pause();
              }
            });
    HttpService exports = patient(server.uri());
    exports.guard().replacePolicy(HttpFixture.policy(Duration.ofMillis(100)));
    assertThat(exports.get("/export").stream(InputStream::readAllBytes)).hasSize(100);
  }

  @Test
  void aReaderThatReturnsEarlyClosesTheConnection() throws Exception {
    RawServer server = stalling(HEAD + "abcdef");
    HttpService exports = patient(server.uri());
    String read =
        exports.get("/export").stream(
            body -> new String(body.readNBytes(3), StandardCharsets.US_ASCII));
    assertThat(read).isEqualTo("abc");
    assertClosed(server, 1);
    assertFree(exports);
  }

  @Test
  void whatAReaderThrowsReachesTheCallerUnchanged() throws Exception {
    RawServer server = stalling(HEAD + "abcdef");
    HttpService exports = patient(server.uri());
    int connections = 0;
    for (Throwable own :
        new Throwable[] {
          new StackOverflowError("own"), new IllegalStateException("own"), new IOException("own")
        }) {
      assertThatThrownBy(
              () ->
                  exports.get("/export").stream(
                      body -> {
                        assertThat(body.read()).isEqualTo('a');
                        throw thrown(own);
                      }))
          .isSameAs(own);
      connections++;
      assertClosed(server, connections);
      assertFree(exports);
    }
    assertThat(exports.guard().breakerState().name()).isEqualTo("CLOSED");
  }

  private static RuntimeException thrown(Throwable failure) throws IOException {
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure instanceof IOException io) {
      throw io;
    }
    return (RuntimeException) failure;
  }

  @Test
  void nothingIsRepeatedOnceTheReaderHasBegun() throws Exception {
    AtomicInteger requests = new AtomicInteger();
    RawServer server =
        fixture.raw(
            connection -> {
              connection.readHead();
              requests.incrementAndGet();
              connection.write(HEAD + "abc");
            });
    HttpService exports = patient(server.uri());
    AtomicInteger begun = new AtomicInteger();
    HttpAnswerException cut =
        cut(
            () ->
                exports.get("/export").stream(
                    body -> {
                      begun.incrementAndGet();
                      return body.readAllBytes();
                    }));
    assertThat(cut).hasMessageContaining("after 3 bytes: the connection ended");
    assertThat(begun).hasValue(1);
    assertThat(requests).hasValue(1);
  }

  @Test
  void aCutThatTheReaderIgnoresIsNoSuccess() throws Exception {
    RawServer server = fixture.raw(connection -> shortAnswer(connection));
    HttpService exports = patient(server.uri());
    cut(
        () ->
            exports.get("/export").stream(
                body -> {
                  try {
                    return body.readAllBytes().length;
                  } catch (IOException e) {
                    return 0;
                  }
                }));
  }

  private static void shortAnswer(RawServer.Connection connection) throws IOException {
    connection.readHead();
    connection.write(HEAD + "abc");
  }

  @Test
  void whatFailsBeforeTheReaderIsRepeated() throws Exception {
    StubServer server =
        fixture.stub(
            request ->
                request.number() == 1
                    ? Answer.empty(503)
                    : Answer.json(request.path().equals("/gone") ? 410 : 200, "[]"));
    HttpService exports = patient(server.uri());
    assertThat(exports.get("/export").stream(InputStream::readAllBytes)).hasSize(2);
    assertThat(server.requests).hasSize(2);
    HttpAnswerException gone =
        catchThrowableOfType(
            HttpAnswerException.class, () -> exports.get("/gone").stream(InputStream::read));
    assertThat(gone.code()).isEqualTo("COMMS-HTTP-001");
    assertThat(gone.status()).isEqualTo(410);
    assertFree(exports);
  }

  @Test
  void aHeadThatDoesNotArriveEndsAfterTheIdleTime() throws Exception {
    RawServer server = stalling("");
    HttpService exports = service(server.uri(), Duration.ofMillis(100), Duration.ofSeconds(20));
    CallException late =
        catchThrowableOfType(
            CallException.class, () -> exports.post("/export").stream(InputStream::read));
    assertThat(late.outcome().status()).isEqualTo(CallStatus.DEADLINE_EXCEEDED);
    assertThat(late.attempts()).isEqualTo(1);
    assertClosed(server, 1);
    assertFree(exports);
  }

  @Test
  void anInterruptOfTheCallerEndsTheRead() throws Exception {
    RawServer server = stalling(HEAD + "abc");
    HttpService exports = patient(server.uri());
    Thread caller = Thread.currentThread();
    Thread interrupter =
        new Thread(
            () -> {
              awaitEnd();
              caller.interrupt();
            });
    interrupter.start();
    CallException cancelled =
        catchThrowableOfType(
            CallException.class,
            () ->
                exports.get("/export").stream(
                    body -> {
                      body.readNBytes(3);
                      end.countDown();
                      return body.read();
                    }));
    assertThat(Thread.interrupted()).isTrue();
    interrupter.join();
    assertThat(cancelled.code()).isEqualTo("COMMS-CALL-006");
    assertThat(cancelled.attempts()).isEqualTo(1);
    assertClosed(server, 1);
    assertFree(exports);
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> IOException sneaky(Throwable any) throws E {
    throw (E) any;
  }

  @Test
  void whatAReaderThrowsIsNeverASuccess() throws Exception {
    StubServer server = fixture.stub(request -> Answer.json(200, "{}"));
    HttpService exports = patient(server.uri());
    for (Throwable thrown :
        List.of(
            new IOException("r"),
            new IllegalStateException("r"),
            new Exception("r"),
            new Throwable("r"),
            new AssertionError("r"))) {
      assertThatThrownBy(
              () ->
                  exports.get("/export").stream(
                      body -> {
                        throw StreamedAnswerTest.<IOException>sneaky(thrown);
                      }))
          .isSameAs(thrown);
    }
    assertThatThrownBy(
            () ->
                exports.get("/export").stream(
                    body -> {
                      throw StreamedAnswerTest.<IOException>sneaky(new InterruptedException());
                    }))
        .hasMessageStartingWith("COMMS-CALL-006");
    assertThat(Thread.interrupted()).isTrue();
    assertFree(exports);
  }

  @Test
  void settingsAreChecked() {
    HttpService.Builder builder = HttpService.builder("x", java.net.URI.create("http://h"));
    assertThatThrownBy(() -> builder.streamIdleTime(Duration.ZERO))
        .hasMessageStartingWith("streamIdleTime: PT0S (expected: ");
    assertThatThrownBy(() -> builder.streamTime(Duration.ofDays(2)))
        .hasMessageStartingWith("streamTime: PT48H (expected: ");
  }
}
