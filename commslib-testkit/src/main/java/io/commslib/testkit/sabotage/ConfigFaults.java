package io.commslib.testkit.sabotage;

import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.FailureClassifier;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.resilience.Gate;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/** Faults in how a transport applies the configuration of a subscription. */
final class ConfigFaults {

  private ConfigFaults() {}

  static MessageTransport with(
      MessageTransport healthy, UnaryOperator<SubscriptionConfig.Builder> fault) {
    return rewriting(healthy, config -> fault.apply(config.toBuilder()).build());
  }

  static SubscriptionConfig.Builder inBatchesOfOne(SubscriptionConfig.Builder config) {
    return config.batch(BatchBounds.of(1));
  }

  static SubscriptionConfig.Builder holdingNoKeys(SubscriptionConfig.Builder config) {
    return config.blockKeyOnDeadLetter(new ForgetfulBlockedKeyStore());
  }

  private static MessageTransport rewriting(
      MessageTransport healthy, UnaryOperator<SubscriptionConfig> fault) {
    return new ForwardingTransport(healthy) {
      @Override
      Subscription subscribe(SubscriptionConfig config, MessageHandler handler) {
        return super.subscribe(fault.apply(config), handler);
      }
    };
  }

  static MessageTransport exceedsBounds(MessageTransport healthy) {
    return rewriting(
        healthy,
        config ->
            config.toBuilder()
                .workers(config.workers() * 4)
                .maxInFlight(config.maxInFlight() * 10)
                .maxInFlightBytes(config.maxInFlightBytes() * 10)
                .build());
  }

  static MessageTransport retriesForever(MessageTransport healthy) {
    return with(healthy, config -> config.retry(atOnce(100)));
  }

  static MessageTransport ignoresSchedule(MessageTransport healthy) {
    return rewriting(
        healthy, config -> config.toBuilder().retry(atOnce(config.retry().maxAttempts())).build());
  }

  private static RetrySchedule atOnce(int attempts) {
    return RetrySchedule.builder()
        .attemptsAtOnce(attempts)
        .backoff(Backoff.exponential(Duration.ZERO, Duration.ZERO))
        .withoutDelays()
        .build();
  }

  static MessageTransport ignoresClassifier(MessageTransport healthy) {
    return with(healthy, config -> config.classifier(FailureClassifier.defaults()));
  }

  static MessageTransport ignoresDeadlines(MessageTransport healthy) {
    return with(healthy, config -> config.handlerDeadline(Duration.ofHours(1)));
  }

  static MessageTransport ignoresGate(MessageTransport healthy) {
    return with(healthy, config -> config.gate(Gate.open()));
  }

  /** Ignores inbox, required capabilities, start position and the dropping of expired messages. */
  static MessageTransport forgetsDemands(MessageTransport healthy) {
    return rewriting(healthy, config -> modest(config, config.group()));
  }

  /** All subscriptions to a topic join the first group that was declared on it. */
  static MessageTransport mergesGroups(MessageTransport healthy) {
    Map<Destination, String> first = new ConcurrentHashMap<>();
    return new ForwardingTransport(healthy) {
      @Override
      public void declare(DestinationConfig config) {
        super.declare(config);
        config.groups().stream()
            .findFirst()
            .ifPresent(group -> first.putIfAbsent(config.destination(), group));
      }

      @Override
      Subscription subscribe(SubscriptionConfig config, MessageHandler handler) {
        String group = first.getOrDefault(config.destination(), config.group());
        return super.subscribe(withGroup(config, group), handler);
      }
    };
  }

  static MessageTransport letsAnyGroupIn(MessageTransport healthy) {
    return rewriting(
        healthy,
        config ->
            config.destination().kind() == Destination.Kind.QUEUE
                ? withGroup(config, "main")
                : config);
  }

  /** Each subscription gets a group of its own. */
  static MessageTransport splitsGroups(MessageTransport healthy) {
    AtomicInteger number = new AtomicInteger();
    return rewriting(
        healthy, config -> withGroup(config, config.group() + number.incrementAndGet()));
  }

  private static SubscriptionConfig withGroup(SubscriptionConfig config, String group) {
    SubscriptionConfig.Builder copy = modest(config, group).toBuilder();
    config
        .transactions()
        .ifPresent(
            transactions ->
                config.inbox().ifPresent(inbox -> copy.transactional(transactions, inbox)));
    config.startAt().ifPresent(copy::startAt);
    return copy.build();
  }

  private static SubscriptionConfig modest(SubscriptionConfig config, String group) {
    SubscriptionConfig.Builder copy =
        SubscriptionConfig.builder(config.destination(), group)
            .workers(config.workers())
            .maxInFlight(config.maxInFlight())
            .maxInFlightBytes(config.maxInFlightBytes())
            .retry(config.retry())
            .handlerDeadline(config.handlerDeadline())
            .maxStuckHandlers(config.maxStuckHandlers())
            .classifier(config.classifier())
            .gate(config.gate());
    config.transactions().ifPresent(copy::transactional);
    return copy.build();
  }
}
