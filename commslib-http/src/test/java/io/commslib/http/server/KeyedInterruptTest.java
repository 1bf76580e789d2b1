package io.commslib.http.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.time.SystemRuntime;
import io.commslib.idempotency.InMemoryIdempotencyStore;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The time of a request is over when its handler has returned, and its answer is being stored. */
class KeyedInterruptTest {

  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final AtomicInteger effects = new AtomicInteger();
  private final TestServer server =
      new TestServer(
          routes ->
              routes
                  .maxTimeout(Duration.ofMillis(100))
                  .idempotency(IdempotentRequests.builder(slow()).build(), request -> "test")
                  .keyed(
                      "POST /effect",
                      byte[].class,
                      (request, body) ->
                          HttpAnswer.of(200)
                              .withBytes(
                                  "text/plain", new byte[] {(byte) effects.incrementAndGet()})));

  @AfterEach
  void close() {
    server.close();
    runtime.close();
  }

  /** It waits for a connection as a pool does, longer than the time of the request. */
  private IdempotencyStore slow() {
    IdempotencyStore store =
        InMemoryIdempotencyStore.create(runtime.time(), Duration.ofHours(1), 1_000);
    return (IdempotencyStore)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {IdempotencyStore.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("complete")) {
                waitForConnection();
              }
              try {
                return method.invoke(store, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private static void waitForConnection() {
    try {
      assertThat(new CountDownLatch(1).await(300, TimeUnit.MILLISECONDS)).isFalse();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException("TEST-001", FailureKind.TRANSIENT, "no connection", e);
    }
  }

  @Test
  void theAnswerOfAHandlerThatHasReturnedIsStored() throws Exception {
    for (int i = 0; i < 2; i++) {
      assertThat(
              server
                  .send(
                      server
                          .request("/effect")
                          .header("Idempotency-Key", "k")
                          .header("Content-Type", "application/octet-stream")
                          .POST(BodyPublishers.ofString("x")))
                  .statusCode())
          .isEqualTo(200);
    }
    assertThat(effects).hasValue(1);
  }
}
