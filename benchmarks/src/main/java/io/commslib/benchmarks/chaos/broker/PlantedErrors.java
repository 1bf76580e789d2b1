package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ErrorPlan;
import io.commslib.core.codec.Codec;
import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.codec.TypedHandler;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.Backoff;
import java.time.Duration;

/**
 * Errors in the application code of a member: handler, codec and observer. Each error is printed,
 * so that the row can count them.
 */
final class PlantedErrors {

  static final String HANDLER = "error in handler: ";
  static final String CODEC = "error in codec: ";
  static final String OBSERVER = "error in observer: ";

  /** Above the number of errors of any message, so that none is dead-lettered. */
  private static final int ATTEMPTS = 100;

  private final boolean enabled;
  private final ErrorPlan plan = new ErrorPlan();

  PlantedErrors(boolean on) {
    this.enabled = on;
  }

  /** An event that is decoded from a body of any content. */
  private record ChaosEvent(int bytes) {}

  void configure(SubscriptionConfig.Builder member) {
    if (enabled) {
      member.retry(
          RetrySchedule.builder()
              .attemptsAtOnce(ATTEMPTS)
              .backoff(Backoff.exponential(Duration.ofMillis(20), Duration.ofMillis(500)))
              .withoutDelays()
              .build());
    }
  }

  /** Returns a handler that throws planned errors, with a codec that throws some too. */
  MessageHandler wrap(MessageHandler handler) {
    if (!enabled) {
      return handler;
    }
    TypeRegistry types =
        TypeRegistry.builder(new Failing()).register("chaos.event", ChaosEvent.class).build();
    return TypedHandler.builder(types)
        .on(
            ChaosEvent.class,
            (event, delivery) -> {
              throwAndPrint(HANDLER, () -> plan.throwPlanned(delivery.message().id()));
              return handler.handle(delivery);
            })
        .build();
  }

  CommsObserver wrap(CommsObserver observer) {
    return enabled ? observer.and(new FailingObserver()) : observer;
  }

  private static void throwAndPrint(String where, Runnable plan) {
    try {
      plan.run();
    } catch (Error e) {
      System.out.println(where + e.getClass().getSimpleName());
      throw e;
    }
  }

  private final class Failing implements Codec {
    @Override
    public String contentType() {
      return "application/octet-stream";
    }

    @Override
    public byte[] encode(Object value) {
      throw new UnsupportedOperationException("members publish nothing");
    }

    @Override
    public <T> T decode(byte[] bytes, Class<T> type) {
      throwAndPrint(CODEC, plan::throwOccasionally);
      return type.cast(new ChaosEvent(bytes.length));
    }
  }

  private final class FailingObserver implements CommsObserver {
    @Override
    public void onSettled(
        Destination source,
        String group,
        SubscriptionSnapshot.Count outcome,
        String messageId,
        int attempt,
        Duration age) {
      throwAndPrint(OBSERVER, plan::throwOccasionally);
    }

    @Override
    public void onRetry(
        Destination source, String group, String messageId, int attempt, Duration delay) {
      throwAndPrint(OBSERVER, plan::throwOccasionally);
    }

    @Override
    public void onRoutePaused(Destination source, String group, boolean paused, String reason) {
      throwAndPrint(OBSERVER, plan::throwOccasionally);
    }

    @Override
    public void onLedger(Destination source, String group, SubscriptionSnapshot ledger) {
      throwAndPrint(OBSERVER, plan::throwOccasionally);
    }
  }
}
