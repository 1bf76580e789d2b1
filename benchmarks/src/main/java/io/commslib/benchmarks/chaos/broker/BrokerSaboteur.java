package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.testkit.history.MessageTrace;
import java.time.Duration;
import java.util.Arrays;

/** A deliberate fault in members, which shows that a row detects it. */
enum BrokerSaboteur {
  /** No fault. */
  NONE,
  /** Members have no inbox: a message delivered twice has two effects. */
  WITHOUT_INBOX,
  /** Members do not keep the order of a key. */
  UNORDERED,
  /** One message in a hundred is settled without its effect. */
  FORGETS_EFFECTS,
  /** Members settle a message whose handler threw an error, without its effect. */
  SWALLOWS_ERRORS;

  /**
   * Returns the fault that the options name.
   *
   * @throws IllegalArgumentException if there is no such saboteur
   */
  static BrokerSaboteur of(ChaosOptions options) {
    String name = options.saboteur();
    return Arrays.stream(values())
        .filter(saboteur -> saboteur.name().equals(name.isEmpty() ? NONE.name() : name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "--saboteur: " + name + " (expected: " + Arrays.toString(values()) + ")"));
  }

  static final Duration RETRY_DELAY = Duration.ofMillis(500);

  /** Configures a member's subscription. */
  void configure(SubscriptionConfig.Builder member, TransactionRunner transactions, Inbox inbox) {
    if (this == WITHOUT_INBOX) {
      member.transactional(transactions);
    } else {
      member.transactional(transactions, inbox);
    }
    if (this == UNORDERED) {
      member.unordered();
    }
  }

  /** Wraps a member's handler with the fault. */
  MessageHandler wrap(MessageHandler handler) {
    if (this != SWALLOWS_ERRORS) {
      return handler;
    }
    return delivery -> {
      try {
        return handler.handle(delivery);
      } catch (Error e) {
        return Settlement.done();
      }
    };
  }

  /** Returns whether a message is retried later, so that later messages of its key overtake it. */
  boolean delays(MessageTrace trace, int attempt) {
    return this == UNORDERED && trace.seq() % 10 == 3 && attempt == 1;
  }

  /** Returns whether a message is settled without its effect. */
  boolean skipsEffect(MessageTrace trace) {
    return this == FORGETS_EFFECTS && trace.seq() % 100 == 7;
  }
}
