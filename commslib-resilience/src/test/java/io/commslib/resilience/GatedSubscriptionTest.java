package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.resilience.CircuitBreakerConfig;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.VirtualTime;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Handlers of a subscription with 16 workers that call a remote, with and without its gate. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GatedSubscriptionTest {

  private static final Destination CHARGES = Destination.queue("charges");
  private static final int MESSAGES = 200;

  /** An admission that is lost would keep the gate closed for the time of an attempt. */
  private static final CallPolicy POLICY =
      CallPolicy.builder()
          .deadline(Duration.ofMinutes(30))
          .attemptTimeout(Duration.ofMinutes(20))
          .breaker(
              CircuitBreakerConfig.builder()
                  .openTime(Duration.ofMillis(50))
                  .maxOpenTime(Duration.ofMillis(200))
                  .build())
          .build();

  private final Queue<Integer> attempts = new ConcurrentLinkedQueue<>();
  private final Queue<Refusal> refusals = new ConcurrentLinkedQueue<>();
  private final AtomicInteger calls = new AtomicInteger();
  private final AtomicInteger inFlight = new AtomicInteger();
  private final AtomicInteger mostProbing = new AtomicInteger();
  private volatile boolean down = true;
  private volatile Guard guard;
  private volatile GuardedOperation operation;
  private volatile InMemoryTransport transport;

  @AfterEach
  void close() {
    transport.close();
  }

  private Subscription subscribe(CommsRuntime runtime, boolean gated) {
    guard =
        Resilience.builder(runtime)
            .observer(CommsObserver.none())
            .defaults(POLICY)
            .build()
            .guard("bank");
    operation = guard.operation("charge", Idempotency.NON_IDEMPOTENT);
    transport = InMemoryTransport.builder().source("test").runtime(runtime).build();
    transport.declare(DestinationConfig.builder(CHARGES).build());
    for (int i = 0; guard.breakerState() == State.CLOSED; i++) {
      assertThat(i).isLessThan(100);
      callOf(null);
    }
    for (int i = 0; i < MESSAGES; i++) {
      transport
          .publisher()
          .publish(CHARGES, Message.builder("charge").build())
          .toCompletableFuture()
          .join();
    }
    calls.set(0);
    refusals.clear();
    SubscriptionConfig.Builder config =
        SubscriptionConfig.builder(CHARGES).workers(16).handlerDeadline(Duration.ofMinutes(10));
    return transport
        .subscriber()
        .subscribe(
            (gated ? config.gate(guard.gate()) : config).build(),
            delivery -> {
              attempts.add(delivery.attempt());
              CallException failure = callOf(delivery);
              if (failure != null) {
                throw new IllegalStateException("no charge", failure);
              }
              return Settlement.done();
            });
  }

  private @Nullable CallException callOf(@Nullable Delivery delivery) {
    try {
      operation.call(CallRules.BY_FAILURE, attempt -> remote(attempt, delivery));
      return null;
    } catch (CallException e) {
      e.refusal().ifPresent(refusals::add);
      return e;
    } catch (CallRules.Failed e) {
      throw new IllegalStateException(e);
    }
  }

  private String remote(CallContext attempt, @Nullable Delivery delivery) throws CallRules.Failed {
    calls.incrementAndGet();
    int now = inFlight.incrementAndGet();
    try {
      if (guard.breakerState() != State.CLOSED) {
        mostProbing.accumulateAndGet(now, Math::max);
        // Time for others to pass, if they could.
        Await.stays("the probe", Duration.ofMillis(2), () -> attempt.attempt() == 1);
      }
      if (delivery != null) {
        assertThat(attempt.causationId()).contains(delivery.message().id());
      }
      if (down) {
        throw CallRules.unavailable();
      }
      return "paid";
    } finally {
      inFlight.decrementAndGet();
    }
  }

  private void assertAllHandledWithOneAttempt(Subscription subscription) {
    assertThat(guard.breakerState()).isEqualTo(State.CLOSED);
    assertThat(attempts).hasSizeGreaterThan(MESSAGES).containsOnly(1);
    assertThat(subscription.snapshot().count(Count.DEAD_LETTERED)).isZero();
  }

  @Test
  void itProbesOneMessageAtATimeAndContinuesByItself() {
    Subscription subscription = subscribe(SystemRuntime.platformThreads(), true);
    Await.until("two rounds of probes", () -> calls.get() >= 5);
    assertThat(subscription.snapshot().count(Count.DONE)).isZero();
    down = false;
    Await.until("all are handled", () -> subscription.snapshot().count(Count.DONE) == MESSAGES);
    assertAllHandledWithOneAttempt(subscription);
    assertThat(mostProbing).hasValue(1);
    assertThat(refusals).as("of messages that passed the gate").isEmpty();
  }

  @Test
  void noAdmissionOfTheGateIsWasted() {
    VirtualTime time = VirtualTime.create();
    Subscription subscription = subscribe(time, true);
    time.advance(Duration.ofSeconds(20));
    assertThat(calls).hasValueGreaterThan(6);
    assertThat(subscription.snapshot().count(Count.DONE)).isZero();
    down = false;
    time.advance(Duration.ofSeconds(10));
    assertThat(subscription.snapshot().count(Count.DONE)).isEqualTo(MESSAGES);
    assertAllHandledWithOneAttempt(subscription);
    assertThat(refusals).isEmpty();
  }

  @Test
  void withoutTheGateRefusalsPauseTheRouteAndConsumeNoAttempt() {
    VirtualTime time = VirtualTime.create();
    Subscription subscription = subscribe(time, false);
    guard.forceBreakerOpen();
    time.advance(Duration.ofMinutes(2));
    assertThat(calls).hasValue(0);
    assertThat(refusals).hasSizeGreaterThan(20).containsOnly(Refusal.BREAKER);
    assertThat(subscription.snapshot().isRoutePaused()).isTrue();
    down = false;
    guard.resetBreaker();
    time.advance(Duration.ofSeconds(10));
    assertThat(subscription.snapshot().count(Count.DONE)).isEqualTo(MESSAGES);
    assertAllHandledWithOneAttempt(subscription);
  }
}
