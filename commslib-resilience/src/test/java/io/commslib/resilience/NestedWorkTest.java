package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallException;
import io.commslib.core.call.Idempotency;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.time.SystemRuntime;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A call within other work that has the same deadline: both are interrupted at the same moment, and
 * the thread has one flag. What the call clears must not be the interrupt of the work around it.
 * That of a handler over HTTP is in {@code ServerFailuresTest}.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class NestedWorkTest {

  private static final Duration TIME = Duration.ofMillis(100);
  private static final CallPolicy ONCE =
      CallPolicy.builder().attemptTimeout(TIME).without(CallPolicy.Part.RETRY).build();

  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final Resilience resilience = Resilience.builder(runtime).policy("outer", ONCE).build();
  private final CompletableFuture<String> outerEnd = new CompletableFuture<>();

  @AfterEach
  void close() {
    resilience.close();
    runtime.close();
  }

  /**
   * Work whose call overruns its time, and that waits afterwards. The call returns only once both
   * were interrupted.
   */
  private String work(BooleanSupplier isOuterInterrupted) {
    GuardedOperation inner = resilience.guard("inner").operation("quote", Idempotency.SAFE);
    try {
      inner.call(
          attempt -> {
            while (resilience.overruns() == 0 || !isOuterInterrupted.getAsBoolean()) {
              Thread.onSpinWait();
            }
            return "late";
          });
      outerEnd.complete("the call was in time");
    } catch (CallException e) {
      outerEnd.complete(e.code() + ", then " + waiting());
    }
    return "ignored";
  }

  private static String waiting() {
    try {
      return new CountDownLatch(1).await(20, TimeUnit.SECONDS) ? "released" : "not interrupted";
    } catch (InterruptedException e) {
      return "interrupted";
    }
  }

  private void assertInterrupted() throws Exception {
    assertThat(outerEnd.get(30, TimeUnit.SECONDS)).isEqualTo("COMMS-CALL-002, then interrupted");
  }

  @Test
  void anAttemptAroundItIsInterrupted() throws Exception {
    GuardedOperation outer = resilience.guard("outer").operation("order", Idempotency.SAFE);
    outer.callOr(attempt -> work(() -> resilience.overruns() == 2), failure -> "failed");
    assertInterrupted();
    assertThat(Thread.currentThread().isInterrupted()).as("after the calls").isFalse();
  }

  @Test
  void anAttemptOfOtherCallsAroundItIsInterrupted() throws Exception {
    Resilience other = Resilience.builder(runtime).policy("outer", ONCE).build();
    GuardedOperation outer = other.guard("outer").operation("order", Idempotency.SAFE);
    outer.callOr(
        attempt -> work(() -> resilience.overruns() + other.overruns() == 2), failure -> "failed");
    assertInterrupted();
    assertThat(Thread.currentThread().isInterrupted()).as("after the calls").isFalse();
    other.close();
  }

  @Test
  void aPartAroundItIsInterrupted() throws Exception {
    try (Composer composer = resilience.composer(TIME)) {
      composer.optional("order", () -> work(() -> resilience.overrunningParts() == 1));
      composer.join();
    }
    assertInterrupted();
  }

  @Test
  void aHandlerOfAMessageAroundItIsInterrupted() throws Exception {
    Destination orders = Destination.queue("orders");
    AtomicReference<Subscription> subscription = new AtomicReference<>();
    try (InMemoryTransport transport = InMemoryTransport.create()) {
      transport.declare(DestinationConfig.builder(orders).build());
      subscription.set(
          transport
              .subscriber()
              .subscribe(
                  SubscriptionConfig.builder(orders).handlerDeadline(TIME).build(),
                  delivery -> {
                    work(() -> subscription.get().snapshot().stuckHandlers() == 1);
                    return Settlement.done();
                  }));
      transport.publisher().publish(orders, Message.builder("order.placed").build());
      assertInterrupted();
    }
  }
}
