package io.commslib.testkit.sabotage;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;

/** Faults in the lifecycle of transports and subscriptions. */
final class LifecycleFaults {

  private LifecycleFaults() {}

  private static MessageTransport with(
      MessageTransport healthy, UnaryOperator<Subscription> fault) {
    return new ForwardingTransport(healthy) {
      @Override
      Subscription subscribe(SubscriptionConfig config, MessageHandler handler) {
        return fault.apply(super.subscribe(config, handler));
      }
    };
  }

  static MessageTransport ignoresClose(MessageTransport healthy) {
    return new ForwardingTransport(healthy) {
      @Override
      public void close() {
        // This is the fault.
      }
    };
  }

  static MessageTransport alwaysHealthy(MessageTransport healthy) {
    Health up = Health.of(Health.Status.UP, "", Map.of());
    return new ForwardingTransport(healthy) {
      @Override
      public Health health() {
        return up;
      }

      @Override
      Subscription subscribe(SubscriptionConfig config, MessageHandler handler) {
        return new ForwardingSubscription(super.subscribe(config, handler)) {
          @Override
          public Health health() {
            return up;
          }
        };
      }
    };
  }

  static MessageTransport leaksThreads(MessageTransport healthy) {
    return new ForwardingTransport(healthy) {
      @Override
      Subscription subscribe(SubscriptionConfig config, MessageHandler handler) {
        Thread thread = new Thread(LifecycleFaults::linger, "commslib-saboteur-leak");
        thread.setDaemon(true);
        thread.start();
        return super.subscribe(config, handler);
      }
    };
  }

  private static void linger() {
    try {
      boolean never = new CountDownLatch(1).await(10, TimeUnit.MINUTES);
      assert !never;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  static MessageTransport refusesRedeclaration(MessageTransport healthy) {
    Set<Destination> declared = ConcurrentHashMap.newKeySet();
    return new ForwardingTransport(healthy) {
      @Override
      public void declare(DestinationConfig config) {
        if (!declared.add(config.destination())) {
          throw new SubscribeException(
              "COMMS-TEST-004", FailureKind.PERMANENT, "already there", null);
        }
        super.declare(config);
      }
    };
  }

  static MessageTransport declaresSilently(MessageTransport healthy) {
    return new ForwardingTransport(healthy) {
      @Override
      public void declare(DestinationConfig config) {
        super.declare(
            config.isVerifyOnly()
                ? DestinationConfig.builder(config.destination()).build()
                : config);
      }

      @Override
      Subscription subscribe(SubscriptionConfig config, MessageHandler handler) {
        super.declare(
            DestinationConfig.builder(config.destination()).group(config.group()).build());
        return super.subscribe(config, handler);
      }
    };
  }

  /** The second and later members of a group never work. */
  static MessageTransport starvesMembers(MessageTransport healthy) {
    Set<String> groups = ConcurrentHashMap.newKeySet();
    return with(
        healthy,
        subscription -> {
          SubscriptionConfig config = subscription.config();
          if (!groups.add(config.destination() + "/" + config.group())) {
            subscription.pause();
          }
          return subscription;
        });
  }

  static MessageTransport claimsDrained(MessageTransport healthy) {
    return with(
        healthy,
        subscription ->
            new ForwardingSubscription(subscription) {
              @Override
              public boolean drain(Duration timeout) {
                super.drain(timeout);
                return true;
              }
            });
  }

  static MessageTransport ignoresPause(MessageTransport healthy) {
    return with(
        healthy,
        subscription ->
            new ForwardingSubscription(subscription) {
              @Override
              public void pause() {
                // This is the fault.
              }
            });
  }

  static MessageTransport ignoresResume(MessageTransport healthy) {
    return with(
        healthy,
        subscription ->
            new ForwardingSubscription(subscription) {
              @Override
              public void resume() {
                // This is the fault.
              }
            });
  }

  static MessageTransport ignoresSubscriptionClose(MessageTransport healthy) {
    return with(
        healthy,
        subscription ->
            new ForwardingSubscription(subscription) {
              @Override
              public void close() {
                // This is the fault.
              }
            });
  }

  static MessageTransport miscountsLedger(MessageTransport healthy) {
    return with(
        healthy,
        subscription ->
            new ForwardingSubscription(subscription) {
              @Override
              public SubscriptionSnapshot snapshot() {
                SubscriptionSnapshot now = super.snapshot();
                long[] counts = new long[Count.values().length];
                for (Count count : Count.values()) {
                  counts[count.ordinal()] = now.count(count);
                }
                counts[Count.DONE.ordinal()] = now.count(Count.DONE) * 2;
                return new SubscriptionSnapshot(
                    counts,
                    now.oldestInFlight(),
                    now.oldestWaiting(),
                    false,
                    false,
                    now.stuckHandlers(),
                    now.lanes());
              }
            });
  }

  static MessageTransport blanksSnapshots(MessageTransport healthy) {
    return with(
        healthy,
        subscription ->
            new ForwardingSubscription(subscription) {
              @Override
              public SubscriptionSnapshot snapshot() {
                SubscriptionSnapshot now = super.snapshot();
                long[] counts = new long[Count.values().length];
                for (Count count : Count.values()) {
                  counts[count.ordinal()] = now.count(count);
                }
                return new SubscriptionSnapshot(
                    counts, Duration.ZERO, Duration.ZERO, false, false, 0, 0);
              }
            });
  }

  /** Settles everything in flight without its handler while it drains. */
  static MessageTransport losesOnDrain(MessageTransport healthy) {
    return new ForwardingTransport(healthy) {
      @Override
      Subscription subscribe(SubscriptionConfig config, MessageHandler handler) {
        AtomicBoolean draining = new AtomicBoolean();
        Subscription subscription =
            super.subscribe(
                config, delivery -> draining.get() ? Settlement.done() : handler.handle(delivery));
        return new LosesOnDrain(subscription, draining);
      }
    };
  }

  private static final class LosesOnDrain extends ForwardingSubscription {
    private final AtomicBoolean draining;

    LosesOnDrain(Subscription healthy, AtomicBoolean draining) {
      super(healthy);
      this.draining = draining;
    }

    @Override
    public LifecycleState state() {
      return draining.get() ? LifecycleState.DRAINING : super.state();
    }

    @Override
    public boolean drain(Duration timeout) {
      draining.set(true);
      Await.until("nothing in flight", timeout, () -> snapshot().count(Count.IN_FLIGHT) == 0);
      return super.drain(timeout);
    }
  }
}
