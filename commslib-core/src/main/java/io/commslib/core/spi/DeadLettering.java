package io.commslib.core.spi;

import io.commslib.core.codec.CodecException;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.time.CommsRuntime;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends what was given up to the dead letters, unless a flood or a target that is down keeps it.
 */
final class DeadLettering {

  private static final Logger log = LoggerFactory.getLogger(DeliveryEngine.class);

  /** Tries alone after which a message goes to the dead letters in spite of a flood. */
  private static final int MAX_PROBES = 3;

  private final SubscriptionConfig config;
  private final CommsRuntime runtime;
  private final Books books;
  private final DeadLetterSink deadLetters;
  private final String consumer;
  private final String handlerName;
  private final @Nullable FloodBreaker flood;

  DeadLettering(DeliveryEngineBuilder builder, Books books) {
    this.config = builder.config;
    this.runtime = Objects.requireNonNull(builder.runtime);
    this.books = books;
    this.deadLetters = Objects.requireNonNull(builder.deadLetters);
    this.consumer = config.destination() + "/" + config.group();
    // Without the number a JVM gives to each lambda.
    this.handlerName = builder.handler.getClass().getName().replaceAll("/0x.*", "");
    this.flood = books.flood;
  }

  /**
   * Publishes to the dead letters; the worker's place stays taken until that is decided. Returns
   * true if the worker may go on, because a flood keeps the record from the dead letters.
   */
  boolean park(LaneEntry entry, Verdict verdict) {
    LaneEntry.Failures failures = entry.failures();
    WireMessage letter = failures.deadLetter;
    if (letter == null) {
      if (isFlood(entry, verdict)) {
        return true;
      }
      letter =
          DeadLetterHeaders.add(
              DeadLetterHeaders.redrivenAtLeast(
                  SetAsideHeaders.without(entry.raw), failures.holdLevel),
              DeadLetterCause.of(entry, verdict.reason(), config, handlerName, runtime.time()));
      failures.deadLetter = letter;
      failures.deadLetterCount = verdict.count();
    }
    try {
      if (failures.deadLetterCount == Count.DEAD_LETTERED) {
        holdKey(entry);
      }
      deadLetters.publish(letter).whenComplete((confirmed, failure) -> parked(entry, failure));
    } catch (RuntimeException e) {
      parked(entry, e);
    }
    return false;
  }

  /** Before the letter: after a crash between the two, the record comes again and is parked. */
  private void holdKey(LaneEntry entry) {
    if (config.heldKeys().isPresent() && entry.lane != null) {
      int level = DeadLetterHeaders.redriveCount(entry.raw.wire());
      config.heldKeys().get().hold(consumer, entry.lane.key, level);
    }
  }

  /** If it is one of a flood of dead letters, it is kept and the route pauses. */
  private boolean isFlood(LaneEntry entry, Verdict verdict) {
    LaneEntry.Failures failures = entry.failures();
    Throwable failure = failures.last;
    if (flood == null
        || failure == null
        || failure instanceof CodecException
        || verdict.count() != Count.DEAD_LETTERED
        || failures.probes >= MAX_PROBES) {
      return false;
    }
    String cause = DeadLetterCause.fingerprint(failure, verdict.reason());
    String key = entry.lane == null ? null : entry.lane.key;
    books.lock.lock();
    try {
      if (!books.route.isFlood()
          && !flood.letter(cause, key, books.settled, runtime.time().nanoTime())) {
        return false;
      }
      if (books.route.flood("flood of dead letters: " + cause)) {
        books.events.route(true, "flood of dead letters: " + cause);
      }
      failures.probes++;
      failures.attempts = Math.max(0, failures.attempts - 1);
      // Behind the others, so that the next probe is another message.
      books.backToReady(entry, false);
      return true;
    } finally {
      books.lock.unlock();
    }
  }

  private void parked(LaneEntry entry, @Nullable Throwable failure) {
    if (failure != null) {
      log.warn(
          "dead letter of {} for {} not confirmed, the route waits: {}",
          entry.id(),
          config.group(),
          failure.toString());
      books.outage(entry, Verdict.outage("dead-letter target"));
    } else {
      books.acknowledge(entry);
    }
    books.change(
        () -> {
          if (failure == null) {
            books.book(entry, entry.failures().deadLetterCount, false);
          }
          books.running--;
        });
  }
}
