package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallException;
import io.commslib.core.call.Idempotency;
import io.commslib.core.call.Refusal;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.lifecycle.LifecycleComponent;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.TransportClosedException;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.VirtualTime;
import io.commslib.testkit.Await;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The end of a process: intake, handlers, calls in flight, transports. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DrainTest {

  private static final Destination ORDERS = Destination.queue("orders");
  private static final Destination RECEIPTS = Destination.queue("receipts");

  private final VirtualTime time = VirtualTime.create();
  private final Resilience resilience =
      Resilience.builder(time).observer(CommsObserver.none()).build();
  private final GuardedOperation operation = operation(resilience, "charge");
  private final List<String> events = new CopyOnWriteArrayList<>();

  private static GuardedOperation operation(Resilience resilience, String name) {
    return resilience.guard("bank").operation(name, Idempotency.SAFE);
  }

  private void after(int millis, Runnable task) {
    time.scheduler().schedule(Duration.ofMillis(millis), task);
  }

  private String result(GuardedOperation called) {
    try {
      return called.call(attempt -> "paid");
    } catch (CallException e) {
      assertThat(e.outcome().certainty()).isEqualTo(SendCertainty.NOT_SENT);
      assertThat(e.refusal()).contains(Refusal.DRAINED);
      assertThat(e.attempts()).isZero();
      return e.code();
    }
  }

  private static void publish(InMemoryTransport transport, Destination to) {
    transport
        .publisher()
        .publish(to, Message.builder("something").build())
        .toCompletableFuture()
        .join();
  }

  @Test
  void handlersEndBeforeCallsAndCallsBeforeTransports() throws InterruptedException {
    InMemoryTransport transport = InMemoryTransport.builder().source("test").runtime(time).build();
    transport.declare(DestinationConfig.builder(ORDERS).build());
    transport.declare(DestinationConfig.builder(RECEIPTS).build());
    CountDownLatch release = new CountDownLatch(1);
    Lifecycle lifecycle =
        Lifecycle.builder()
            .transport(transport)
            .calls(resilience)
            .subscribe(
                SubscriptionConfig.builder(ORDERS).build(),
                delivery -> {
                  events.add("handler begins");
                  release.await();
                  events.add("handler calls: " + result(operation));
                  laterReceipt(transport);
                  return Settlement.done();
                })
            .build();
    lifecycle.start();
    publish(transport, ORDERS);
    Thread worker = time.newThread("worker", time::runUntilIdle);
    worker.start();
    Await.until("the handler runs", () -> events.size() == 1);
    CompletableFuture<Boolean> drained = new CompletableFuture<>();
    Thread draining =
        time.newThread("drain", () -> drained.complete(lifecycle.drain(Duration.ofSeconds(30))));
    draining.start();
    Await.until("it drains", () -> lifecycle.state() == LifecycleState.DRAINING);
    events.add("another call: " + result(operation));
    release.countDown();
    worker.join();
    assertThat(drained.join()).isTrue();
    publish(transport, RECEIPTS);
    events.add("drained: " + result(operation));
    lifecycle.close();
    assertThatThrownBy(() -> publish(transport, RECEIPTS))
        .isInstanceOf(TransportClosedException.class);
    assertThat(events)
        .containsExactly(
            "handler begins",
            "another call: paid",
            "handler calls: paid",
            "call in flight: COMMS-CALL-007",
            "receipt",
            "drained: COMMS-CALL-007");
  }

  /** A relay whose transport publishes by protected calls. */
  private final class RelayByCalls implements LifecycleComponent {
    private final List<String> rows = new CopyOnWriteArrayList<>();

    @Override
    public String name() {
      return "relay";
    }

    @Override
    public void start() {
      events.add("relay starts");
    }

    @Override
    public boolean drain(Duration timeout) {
      for (String row : rows) {
        String published = result(operation);
        events.add(row + ": " + published);
        if (published.equals("paid")) {
          rows.remove(row);
        }
      }
      return rows.isEmpty();
    }

    @Override
    public void close() {
      events.add("relay closes");
    }

    @Override
    public Health health() {
      return Health.of(Health.Status.UP, "", Map.of());
    }
  }

  @Test
  void aRelayThatPublishesByCallsIsDrainedBeforeCallsAreRefused() {
    RelayByCalls relay = new RelayByCalls();
    Lifecycle lifecycle = Lifecycle.builder().relay(relay).calls(resilience).build();
    lifecycle.start();
    relay.rows.add("row 1");
    relay.rows.add("row 2");
    assertThat(lifecycle.drain(Duration.ofSeconds(5))).isTrue();
    events.add("drained: " + result(operation));
    lifecycle.close();
    assertThat(events)
        .containsExactly(
            "relay starts",
            "row 1: paid",
            "row 2: paid",
            "drained: COMMS-CALL-007",
            "relay closes");
  }

  @Test
  void twoOfOneLifecycleHaveNames() {
    Resilience other = Resilience.builder(time).name("partners").build();
    Lifecycle lifecycle = Lifecycle.builder().calls(resilience).calls(other).build();
    lifecycle.start();
    assertThat(lifecycle.health().status()).isEqualTo(Health.Status.UP);
    assertThat(other.name()).isEqualTo("calls-partners");
    assertThat(lifecycle.drain(Duration.ofSeconds(5))).isTrue();
    assertThat(result(operation(other, "charge"))).isEqualTo("COMMS-CALL-007");
    lifecycle.close();
    Lifecycle.Builder same = Lifecycle.builder().calls(resilience).calls(Resilience.create(time));
    assertThatThrownBy(same::build)
        .hasMessage(
            "names: [calls, calls] (expected: distinct, by the setting for the name of each)");
    assertThatThrownBy(() -> Resilience.builder(time).name(" "))
        .hasMessage("name: ' ' (expected: 1..64 printable ASCII characters)");
  }

  /** Starts a call whose answer arrives after its handler has ended. */
  private void laterReceipt(InMemoryTransport transport) {
    CompletableFuture<String> answer = new CompletableFuture<>();
    operation
        .callAsync(attempt -> answer)
        .thenAccept(
            paid -> {
              publish(transport, RECEIPTS);
              events.add("receipt");
            });
    after(
        800,
        () -> {
          events.add("call in flight: " + result(operation));
          answer.complete("paid");
        });
  }

  @Test
  void aDrainWaitsForWaitsBetweenAttemptsAndForCallsWithinThem() {
    AtomicInteger attempts = new AtomicInteger();
    CompletableFuture<String> call =
        operation.callAsync(
            CallRules.BY_FAILURE,
            attempt -> {
              if (attempts.incrementAndGet() == 1) {
                throw CallRules.unavailable();
              }
              return CompletableFuture.completedFuture(result(operation(resilience, "inner")));
            });
    assertThat(resilience.health().details()).containsEntry("inFlight", "1");
    assertThat(resilience.drain(Duration.ofSeconds(5))).isTrue();
    assertThat(attempts).hasValue(2);
    assertThat(call).isCompletedWithValue("paid");
    assertThat(resilience.health().details()).containsEntry("inFlight", "0");
  }

  @Test
  void aDrainIsBoundedAndCallsThatOutlastItContinue() {
    AtomicInteger attempts = new AtomicInteger();
    List<Boolean> drained = new ArrayList<>();
    after(
        1,
        () -> {
          drained.add(resilience.drain(Duration.ZERO));
          drained.add(resilience.drain(Duration.ZERO));
        });
    String answer = null;
    try {
      answer =
          operation.call(
              CallRules.BY_FAILURE,
              attempt -> {
                if (attempts.incrementAndGet() == 1) {
                  time.advance(Duration.ofMillis(1));
                  throw CallRules.unavailable();
                }
                return "late";
              });
    } catch (Exception e) {
      events.add(e.toString());
    }
    assertThat(drained).containsExactly(false, false);
    assertThat(answer).isEqualTo("late");
    assertThat(resilience.drain(Duration.ZERO)).isTrue();
  }

  @Test
  void aStageThatIgnoresItsCancellationIsWaitedFor() {
    CompletableFuture<String> stubborn =
        new CompletableFuture<>() {
          @Override
          public boolean cancel(boolean mayInterrupt) {
            return false;
          }
        };
    CompletableFuture<String> call =
        resilience
            .guard("bank")
            .operation("put", Idempotency.NON_IDEMPOTENT)
            .callAsync(a -> stubborn);
    assertThat(resilience.drain(Duration.ofSeconds(4))).isFalse();
    assertThat(call).isCompletedExceptionally();
    stubborn.complete("late");
    assertThat(resilience.drain(Duration.ZERO)).isTrue();
  }

  @Test
  void eachKindOfCallIsRefusedAfterwards() {
    assertThat(resilience.health().status()).isEqualTo(Health.Status.UP);
    assertThat(resilience.drain(Duration.ZERO)).isTrue();
    assertThat(resilience.health().status()).isEqualTo(Health.Status.DOWN);
    assertThatThrownBy(() -> operation.call(attempt -> "paid"))
        .hasMessageStartingWith("COMMS-CALL-007: the calls of this process have ended (");
    assertThat(result(operation.collapsing("key"))).isEqualTo("COMMS-CALL-007");
    CompletableFuture<String> future =
        operation.callAsync(attempt -> CompletableFuture.completedFuture("paid"));
    assertThatThrownBy(future::join).cause().hasMessageStartingWith("COMMS-CALL-007");
    assertThat(operation.<String>callOr(attempt -> "paid", failure -> "none")).isEqualTo("none");
    CallException failure =
        catchThrowableOfType(CallException.class, () -> operation.call(attempt -> "paid"));
    assertThat(failure.outcome().isRetryable()).isFalse();
    assertThat(resilience.guard("bank").inFlight()).isZero();
  }

  @Test
  void aDrainThatEndsWhileACallBeginsRefusesIt() {
    AttemptWatch watch = new AttemptWatch(time);
    List<Boolean> drained = new ArrayList<>();
    CallsInFlight calls =
        new CallsInFlight() {
          @Override
          void count(int count) {
            if (drained.isEmpty()) {
              drained.add(drain(Duration.ZERO, time, watch));
            }
            super.count(count);
          }
        };
    assertThat(calls.begin()).isFalse();
    assertThat(drained).containsExactly(true);
    assertThat(calls.inFlight()).isZero();
  }

  /** The calls of one round of the race, and what is known about them. */
  private static final class Round {
    final CallsInFlight calls = new CallsInFlight();
    final AtomicInteger made = new AtomicInteger();
    volatile boolean isDrained;
  }

  @Test
  void noCallRunsOnceADrainHasEnded() throws InterruptedException {
    try (CommsRuntime real = SystemRuntime.platformThreads()) {
      AtomicReference<Round> current = new AtomicReference<>(new Round());
      AtomicBoolean over = new AtomicBoolean();
      AtomicInteger late = new AtomicInteger();
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        threads.add(real.newThread("race-" + i, () -> race(current, over, late)));
      }
      threads.forEach(Thread::start);
      AttemptWatch watch = new AttemptWatch(real);
      int drained = 0;
      for (int i = 0; i < 50; i++) {
        Round round = current.get();
        Await.until("calls are made", () -> round.made.get() > 20);
        if (round.calls.drain(Duration.ofSeconds(10), real, watch)) {
          drained++;
        }
        round.isDrained = true;
        current.set(new Round());
      }
      over.set(true);
      for (Thread thread : threads) {
        thread.join();
      }
      assertThat(late).hasValue(0);
      assertThat(drained).isEqualTo(50);
    }
  }

  private static void race(AtomicReference<Round> current, AtomicBoolean over, AtomicInteger late) {
    while (!over.get()) {
      Round round = current.get();
      if (round.calls.begin()) {
        round.made.incrementAndGet();
        Thread.yield();
        if (round.isDrained) {
          late.incrementAndGet();
        }
        round.calls.end();
      }
    }
  }

  @Test
  void aCallWaitsAndEndsAlthoughTheRuntimeIsClosed() throws IOException {
    SystemRuntime real = SystemRuntime.platformThreads();
    try (Resilience open = Resilience.create(real)) {
      String answer =
          operation(open, "charge")
              .call(
                  attempt -> {
                    if (attempt.attempt() == 1) {
                      real.close();
                      throw new IOException("lost");
                    }
                    return "attempt " + attempt.attempt();
                  });
      assertThat(answer).isEqualTo("attempt 2");
    }
  }
}
