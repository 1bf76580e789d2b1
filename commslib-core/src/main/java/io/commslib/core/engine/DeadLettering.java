package io.commslib.core.engine;

import io.commslib.core.CodecException;
import io.commslib.core.Failures;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.time.TimeSource;
import io.commslib.core.wire.DeadLetterHeaders;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Moves records to the dead letters. A dead-letter storm, a target that is unavailable or missing,
 * or too many unreadable records at the beginning keep them in the engine.
 */
final class DeadLettering {

  /** Probes after which a message is dead-lettered in spite of a dead-letter storm. */
  private static final int MAX_STORM_PROBES = 3;

  private final SubscriptionConfig config;
  private final TimeSource time;
  private final EngineState state;
  private final EngineEvents events;
  private final @Nullable DeadLetterSink deadLetters;
  private final MessageFormat format;
  private final String consumer;
  private final String handlerName;

  DeadLettering(
      DeliveryEngineBuilder builder, TimeSource time, EngineState state, EngineEvents events) {
    this.config = builder.config;
    this.time = time;
    this.state = state;
    this.events = events;
    this.deadLetters = builder.deadLetters;
    this.format = Objects.requireNonNull(builder.format);
    this.consumer = config.destination() + "/" + config.group();
    this.handlerName = config.isNamed() ? config.name() : className(builder.handler);
  }

  /** The class name; for a lambda that of its class, since its own name differs from run to run. */
  private static String className(MessageHandler handler) {
    return handler.getClass().getName().replaceAll("\\$\\$Lambda.*", "");
  }

  /**
   * Publishes the record to the dead letters; the worker's place stays taken until the result is
   * known. Returns true if the worker may continue, because the record stays in the engine.
   */
  boolean deadLetter(LaneEntry entry, AttemptOutcome outcome) {
    LaneEntry.History history = entry.history();
    DeadLetterSink target = deadLetters;
    entry.enter(LaneEntry.Phase.DEAD_LETTER);
    boolean started = false;
    try {
      ForeignRecord letter = history.deadLetter;
      if (letter == null) {
        if (unreadableKept(entry, outcome) || stormKeeps(entry, outcome)) {
          return true;
        }
        if (target == null) {
          state.waitWithoutDeadLetters(entry, outcome.reason());
          return true;
        }
        history.deadLetterReason = outcome.reason();
        history.deadLetterCount = outcome.count();
        letter = letter(entry, history);
        history.deadLetter = letter;
      }
      if (history.deadLetterCount == Count.DEAD_LETTERED) {
        blockKey(entry);
      }
      CompletionStage<?> published = Objects.requireNonNull(target).publish(letter);
      started = true;
      published.whenComplete((confirmed, failure) -> published(entry, failure));
    } catch (Throwable e) {
      if (started) {
        // The callback could not be set, or has failed after it put the record in its place.
        throw e;
      }
      published(entry, e);
    }
    return false;
  }

  private ForeignRecord letter(LaneEntry entry, LaneEntry.History history) {
    ForeignRecord original =
        DeadLetterHeaders.redrivenAtLeast(
            DeferredRetryHeaders.without(entry.raw), history.blockLevel);
    return DeadLetterHeaders.add(
        history.deadLetterForm == DeadLetterForms.HEADERS_CUT
            ? DeadLetterForms.withoutHeaders(original, format)
            : original,
        DeadLetterForms.cause(
            DeadLetterCause.of(entry, history.deadLetterReason, config, handlerName, time),
            history.deadLetterForm));
  }

  /**
   * Blocks the key before the publish: after a crash between the two, the record is redelivered and
   * dead-lettered.
   */
  private void blockKey(LaneEntry entry) {
    if (config.blockedKeys().isPresent() && entry.lane != null) {
      int level = DeadLetterHeaders.redriveCount(entry.raw.wire());
      config.blockedKeys().get().block(consumer, entry.lane.key, level);
    }
  }

  private boolean unreadableKept(LaneEntry entry, AttemptOutcome outcome) {
    return entry.message == null
        && entry.history().lastFailure instanceof CodecException
        && !outcome.reason().equals(AttemptRunner.TOO_LARGE)
        && state.keepUnreadable(entry);
  }

  private boolean stormKeeps(LaneEntry entry, AttemptOutcome outcome) {
    LaneEntry.History history = entry.history();
    Throwable failure = history.lastFailure;
    if (config.deadLetterBreaker().isEmpty()
        || failure == null
        || Failures.unwrapped(failure) instanceof CodecException
        || outcome.count() != Count.DEAD_LETTERED
        || history.stormProbes >= MAX_STORM_PROBES) {
      return false;
    }
    return state.keepForStorm(entry, DeadLetterCause.fingerprint(failure, outcome.reason()));
  }

  private void published(LaneEntry entry, @Nullable Throwable failure) {
    if (failure == null) {
      events.deadLettered(entry);
      state.acknowledge(entry);
      state.published(entry, entry.history().deadLetterCount);
    } else {
      state.deadLetterFailed(entry, failure);
    }
  }
}
