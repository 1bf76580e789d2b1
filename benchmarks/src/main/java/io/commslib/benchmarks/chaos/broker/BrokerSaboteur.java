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

/** One thing done wrong in members, so that a row can be seen to notice. */
enum BrokerSaboteur {
  /** Nothing is wrong. */
  NONE,
  /** Members have no inbox: what comes twice is done twice. */
  WITHOUT_INBOX,
  /** Members keep no order of a key. */
  UNORDERED,
  /** One message in a hundred is settled without its effect. */
  FORGETS_EFFECTS,
  /** Members settle a message with which they have met an error, without its effect. */
  SWALLOWS_ERRORS;

  /**
   * Returns the fault that a row plants.
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

  /** Sets up a member. */
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

  /** A handler that does this wrong around one of a member. */
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

  /** Whether a message is put off, so that later ones of its key overtake it. */
  boolean delays(MessageTrace trace, int attempt) {
    return this == UNORDERED && trace.seq() % 10 == 3 && attempt == 1;
  }

  /** Whether a message gets no effect. */
  boolean skipsEffect(MessageTrace trace) {
    return this == FORGETS_EFFECTS && trace.seq() % 100 == 7;
  }
}
