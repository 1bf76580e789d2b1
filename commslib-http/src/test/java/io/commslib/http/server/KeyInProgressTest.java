package io.commslib.http.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.time.TimeSource;
import io.commslib.http.HttpAnswerException;
import io.commslib.http.HttpService;
import io.commslib.http.Problem;
import io.commslib.http.ServiceCall;
import io.commslib.idempotency.InMemoryIdempotencyStore;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.Await;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A keyed call that meets its own earlier attempt. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KeyInProgressTest {

  private final AtomicInteger runs = new AtomicInteger();
  private final AtomicInteger conflicts = new AtomicInteger();
  private final CountDownLatch refused = new CountDownLatch(1);
  private final List<CallStatus> attempts = new CopyOnWriteArrayList<>();

  private final TestServer server =
      new TestServer(
          routes ->
              routes
                  .idempotency(
                      IdempotentRequests.builder(
                              InMemoryIdempotencyStore.create(
                                  TimeSource.system(), Duration.ofMinutes(5), 1_000))
                          .build(),
                      request -> "test")
                  .keyed("POST /slow", byte[].class, (request, body) -> slow())
                  .route("POST /taken", byte[].class, (request, body) -> conflict(null))
                  .route("POST /ours", byte[].class, (request, body) -> conflict("COMMS-HTTP-134"))
                  .route("POST /other", byte[].class, (request, body) -> conflict("SHOP-1")));

  /** Lets the handler end once an attempt was refused because of it. */
  private final class Attempts implements CommsObserver {
    @Override
    public void onAttempt(
        CallTarget target,
        CallOutcome outcome,
        int attempt,
        Duration elapsed,
        Optional<Refusal> refusal) {
      attempts.add(outcome.status());
      if (outcome.status() == CallStatus.ABORTED) {
        refused.countDown();
      }
    }
  }

  private final Resilience resilience =
      Resilience.builder(server.runtime)
          .defaults(
              CallPolicy.builder()
                  .deadline(Duration.ofSeconds(20))
                  .attemptTimeout(Duration.ofMillis(500))
                  .build())
          .observer(new Attempts())
          .build();

  private final HttpService service =
      HttpService.builder("bank", URI.create("http://127.0.0.1:" + server.server.port()))
          .build(resilience);

  @AfterEach
  void close() {
    refused.countDown();
    resilience.close();
    server.close();
  }

  /** Overruns its time and does not notice the interrupt. */
  private HttpAnswer slow() {
    runs.incrementAndGet();
    while (refused.getCount() > 0) {
      try {
        refused.await();
      } catch (InterruptedException e) {
        // Goes on, as a driver without interrupts does.
      }
    }
    return HttpAnswer.of(201).withBytes("text/plain", "done".getBytes(StandardCharsets.UTF_8));
  }

  private HttpAnswer conflict(String code) {
    conflicts.incrementAndGet();
    return code == null
        ? HttpAnswer.of(409).withRetryAfter(Duration.ZERO)
        : HttpAnswer.problem(Problem.builder(409).code(code).retryAfter(Duration.ZERO).build());
  }

  private ServiceCall post(String path) {
    return service.post(path).body(new byte[] {1}, "application/octet-stream");
  }

  @Test
  void aKeyedCallWaitsForItsEarlierAttemptAndGetsItsAnswer() {
    assertThat(post("/slow").keyed().reply().status()).isEqualTo(201);
    assertThat(runs).hasValue(1);
    Await.until("all attempts are observed", () -> attempts.size() == 3);
    assertThat(attempts)
        .containsExactly(CallStatus.DEADLINE_EXCEEDED, CallStatus.ABORTED, CallStatus.OK);
  }

  private void assertConflict(ServiceCall call, int requests) {
    conflicts.set(0);
    HttpAnswerException failure = catchThrowableOfType(HttpAnswerException.class, call::send);
    assertThat(failure.status()).isEqualTo(409);
    assertThat(failure.outcome().status()).isEqualTo(CallStatus.ABORTED);
    assertThat(conflicts).hasValue(requests);
  }

  @Test
  void onlyAConflictWithAnEarlierAttemptIsRepeated() {
    assertConflict(post("/ours").keyed(), 3);
    assertConflict(post("/ours"), 1);
    assertConflict(post("/taken").keyed(), 1);
    assertConflict(post("/other").keyed(), 1);
    assertConflict(post("/other").idempotency(Idempotency.SAFE), 1);
  }
}
