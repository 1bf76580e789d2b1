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
  private static final int MAX_STORM_PROBES = 3;

  /** Between tries of a letter that its target refuses in every form. */
  private static final Backoff REFUSAL_BACKOFF =
      Backoff.exponential(Duration.ofSeconds(10), Duration.ofMinutes(10)).withoutJitter();

  private final SubscriptionConfig config;
  private final CommsRuntime runtime;
  private final EngineState state;
  private final DeadLetterSink deadLetters;
  private final CloudEventsEnvelope envelope;
  private final String consumer;
  private final String handlerName;
  private final @Nullable DeadLetterBreaker breaker;

  DeadLettering(DeliveryEngineBuilder builder, EngineState books) {
    this.config = builder.config;
    this.runtime = Objects.requireNonNull(builder.runtime);
    this.state = books;
    this.deadLetters = Objects.requireNonNull(builder.deadLetters);
    this.envelope = Objects.requireNonNull(builder.envelope);
    this.consumer = config.destination() + "/" + config.group();
    this.handlerName = config.isNamed() ? config.name() : className(builder.handler);
    this.breaker = books.flood;
  }

  /** Of a lambda the class that it stands in: its own name differs from run to run. */
  private static String className(MessageHandler handler) {
    return handler.getClass().getName().replaceAll("\\$\\$Lambda.*", "");
  }

  /**
   * Publishes to the dead letters; the worker's place stays taken until that is decided. Returns
   * true if the worker may go on, because a flood keeps the record from the dead letters.
   */
  boolean deadLetter(LaneEntry entry, AttemptOutcome verdict) {
    LaneEntry.History failures = entry.history();
    entry.enter(LaneEntry.Phase.DEAD_LETTER);
    boolean handedOver = false;
    try {
      WireMessage letter = failures.deadLetter;
      if (letter == null) {
        if (stormKeeps(entry, verdict)) {
          return true;
        }
        failures.deadLetterReason = verdict.reason();
        failures.deadLetterCount = verdict.count();
        letter = letter(entry, failures);
        failures.deadLetter = letter;
      }
      if (failures.deadLetterCount == Count.DEAD_LETTERED) {
        blockKey(entry);
      }
      CompletionStage<?> published = deadLetters.publish(letter);
      handedOver = true;
      published.whenComplete((confirmed, failure) -> published(entry, failure));
    } catch (Throwable e) {
      if (handedOver) {
        // The callback could not be set, or has failed itself and put the record in its place.
        throw e;
      }
      published(entry, e);
    }
    return false;
  }

  private WireMessage letter(LaneEntry entry, LaneEntry.History failures) {
    WireMessage original =
        DeadLetterHeaders.redrivenAtLeast(
            DeferredRetryHeaders.without(entry.raw), failures.blockLevel);
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
  private void blockKey(LaneEntry entry) {
    if (config.blockedKeys().isPresent() && entry.lane != null) {
      int level = DeadLetterHeaders.redriveCount(entry.raw.wire());
      config.blockedKeys().get().block(consumer, entry.lane.key, level);
    }
  }

  /** If it is one of a flood of dead letters, it is kept and the route pauses. */
  private boolean stormKeeps(LaneEntry entry, AttemptOutcome verdict) {
    LaneEntry.History failures = entry.history();
    Throwable failure = failures.lastFailure;
    if (breaker == null
        || failure == null
        || Failures.unwrapped(failure) instanceof CodecException
        || verdict.count() != Count.DEAD_LETTERED
        || failures.stormProbes >= MAX_STORM_PROBES) {
      return false;
    }
    String cause = DeadLetterCause.fingerprint(failure, verdict.reason());
    String key = entry.lane == null ? null : entry.lane.key;
    state.lock.lock();
    try {
      if (!state.route.isStorm()
          && !breaker.countDeadLetter(cause, key, state.settled, runtime.time().nanoTime())) {
        return false;
      }
      if (state.route.pauseForStorm("flood of dead letters: " + cause)) {
        state.events.route(true, "flood of dead letters: " + cause);
      }
      failures.stormProbes++;
      failures.failedAttempts = Math.max(0, failures.failedAttempts - 1);
      // Behind the others, so that the next probe is another message.
      state.backToReady(entry, false);
      return true;
    } finally {
      state.lock.unlock();
    }
  }

  private void published(LaneEntry entry, @Nullable Throwable failure) {
    if (failure == null) {
      state.events.deadLettered(entry);
      state.acknowledge(entry);
    }
    state.change(
        () -> {
          // First: whatever fails from here on, the worker's place is free again.
          state.running--;
          if (entry.state != LaneEntry.State.ACTIVE) {
            return;
          }
          if (failure == null) {
            state.book(entry, entry.history().deadLetterCount, false);
          } else if (Failures.isJvmFailure(failure)) {
            state.outageOf(entry, AttemptOutcome.jvmFailure(Failures.text(failure)));
          } else if (Failures.isPermanent(failure)) {
            refused(entry, failure);
          } else {
            // No attempt of the handler: it is never counted as one.
            entry.history().lastOutage = null;
            String text = Failures.text(Failures.unwrapped(failure));
            state.outageOf(entry, AttemptOutcome.outage("dead-letter target: " + text));
          }
        });
  }

  /**
   * The target does not take this very letter, most likely for its size: it is tried again with
   * less beside its body, and then kept here with its key, so that it is not lost and holds up no
   * other. Lock held.
   */
  private void refused(LaneEntry entry, Throwable failure) {
    LaneEntry.History failures = entry.history();
    failures.deadLetter = null;
    failures.pendingOutcome =
        AttemptOutcome.deadLetter(failures.deadLetterCount, failures.deadLetterReason);
    if (failures.deadLetterForm < DeadLetterForms.HEADERS_CUT) {
      failures.deadLetterForm++;
      state.backToReady(entry, true);
      return;
    }
    if (failures.deadLetterRefusals == 0) {
      state.keptLetters++;
    }
    int refusals = Math.min(30, ++failures.deadLetterRefusals);
    Duration pause = REFUSAL_BACKOFF.next(refusals, runtime.random());
    state.hold(entry, pause);
    state.events.stalled(
        entry, failure, "the dead-letter target refuses it; it waits here, next try in " + pause);
  }
}
