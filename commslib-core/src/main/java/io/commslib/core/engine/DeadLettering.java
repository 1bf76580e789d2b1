package io.commslib.core.engine;

import io.commslib.core.CodecException;
import io.commslib.core.Failures;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.core.wire.DeadLetterHeaders;
import io.commslib.core.wire.WireMessage;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Sends what was given up to the dead letters, unless a flood or a target that is down keeps it.
 */
final class DeadLettering {

  /** Tries alone after which a message goes to the dead letters in spite of a flood. */
  private static final int MAX_PROBES = 3;

  /** Between tries of a letter that its target refuses in every form. */
  private static final Backoff REFUSED_BACKOFF =
      Backoff.exponential(Duration.ofSeconds(10), Duration.ofMinutes(10)).withoutJitter();

  private final SubscriptionConfig config;
  private final CommsRuntime runtime;
  private final EngineState books;
  private final DeadLetterSink deadLetters;
  private final CloudEventsEnvelope envelope;
  private final String consumer;
  private final String handlerName;
  private final @Nullable DeadLetterBreaker flood;

  DeadLettering(DeliveryEngineBuilder builder, EngineState books) {
    this.config = builder.config;
    this.runtime = Objects.requireNonNull(builder.runtime);
    this.books = books;
    this.deadLetters = Objects.requireNonNull(builder.deadLetters);
    this.envelope = Objects.requireNonNull(builder.envelope);
    this.consumer = config.destination() + "/" + config.group();
    this.handlerName = config.isNamed() ? config.name() : className(builder.handler);
    this.flood = books.flood;
  }

  /** Of a lambda the class that it stands in: its own name differs from run to run. */
  private static String className(MessageHandler handler) {
    return handler.getClass().getName().replaceAll("\\$\\$Lambda.*", "");
  }

  /**
   * Publishes to the dead letters; the worker's place stays taken until that is decided. Returns
   * true if the worker may go on, because a flood keeps the record from the dead letters.
   */
  boolean park(LaneEntry entry, AttemptOutcome verdict) {
    LaneEntry.History failures = entry.failures();
    entry.enter(LaneEntry.Phase.DEAD_LETTER);
    boolean handedOver = false;
    try {
      WireMessage letter = failures.deadLetter;
      if (letter == null) {
        if (isFlood(entry, verdict)) {
          return true;
        }
        failures.deadLetterReason = verdict.reason();
        failures.deadLetterCount = verdict.count();
        letter = letter(entry, failures);
        failures.deadLetter = letter;
      }
      if (failures.deadLetterCount == Count.DEAD_LETTERED) {
        holdKey(entry);
      }
      CompletionStage<?> published = deadLetters.publish(letter);
      handedOver = true;
      published.whenComplete((confirmed, failure) -> parked(entry, failure));
    } catch (Throwable e) {
      if (handedOver) {
        // The callback could not be set, or has failed itself and put the record in its place.
        throw e;
      }
      parked(entry, e);
    }
    return false;
  }

  private WireMessage letter(LaneEntry entry, LaneEntry.History failures) {
    WireMessage original =
        DeadLetterHeaders.redrivenAtLeast(
            DeferredRetryHeaders.without(entry.raw), failures.holdLevel);
    return DeadLetterHeaders.add(
        failures.deadLetterForm == DeadLetterForms.HEADERS_CUT
            ? DeadLetterForms.withoutHeaders(original, envelope)
            : original,
        DeadLetterForms.cause(
            DeadLetterCause.of(
                entry, failures.deadLetterReason, config, handlerName, runtime.time()),
            failures.deadLetterForm));
  }

  /** Before the letter: after a crash between the two, the record comes again and is parked. */
  private void holdKey(LaneEntry entry) {
    if (config.blockedKeys().isPresent() && entry.lane != null) {
      int level = DeadLetterHeaders.redriveCount(entry.raw.wire());
      config.blockedKeys().get().block(consumer, entry.lane.key, level);
    }
  }

  /** If it is one of a flood of dead letters, it is kept and the route pauses. */
  private boolean isFlood(LaneEntry entry, AttemptOutcome verdict) {
    LaneEntry.History failures = entry.failures();
    Throwable failure = failures.last;
    if (flood == null
        || failure == null
        || Failures.unwrapped(failure) instanceof CodecException
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
    if (failure == null) {
      books.events.deadLettered(entry);
      books.acknowledge(entry);
    }
    books.change(
        () -> {
          // First: whatever fails from here on, the worker's place is free again.
          books.running--;
          if (entry.state != LaneEntry.State.ACTIVE) {
            return;
          }
          if (failure == null) {
            books.book(entry, entry.failures().deadLetterCount, false);
          } else if (Failures.isJvmFailure(failure)) {
            books.outageOf(entry, AttemptOutcome.machineFailed(Failures.text(failure)));
          } else if (Failures.isPermanent(failure)) {
            refused(entry, failure);
          } else {
            // No attempt of the handler: it is never counted as one.
            entry.failures().outage = null;
            String text = Failures.text(Failures.unwrapped(failure));
            books.outageOf(entry, AttemptOutcome.outage("dead-letter target: " + text));
          }
        });
  }

  /**
   * The target does not take this very letter, most likely for its size: it is tried again with
   * less beside its body, and then kept here with its key, so that it is not lost and holds up no
   * other. Lock held.
   */
  private void refused(LaneEntry entry, Throwable failure) {
    LaneEntry.History failures = entry.failures();
    failures.deadLetter = null;
    failures.decided =
        AttemptOutcome.deadLetter(failures.deadLetterCount, failures.deadLetterReason);
    if (failures.deadLetterForm < DeadLetterForms.HEADERS_CUT) {
      failures.deadLetterForm++;
      books.backToReady(entry, true);
      return;
    }
    if (failures.deadLetterRefusals == 0) {
      books.keptLetters++;
    }
    int refusals = Math.min(30, ++failures.deadLetterRefusals);
    Duration pause = REFUSED_BACKOFF.next(refusals, runtime.random());
    books.hold(entry, pause);
    books.events.stalled(
        entry, failure, "the dead-letter target refuses it; it waits here, next try in " + pause);
  }
}
