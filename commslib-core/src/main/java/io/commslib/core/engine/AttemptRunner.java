package io.commslib.core.engine;

import io.commslib.core.CodecException;
import io.commslib.core.CommsException;
import io.commslib.core.Failures;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.messaging.BlockedKeyStore;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.messaging.UnknownTypeException;
import io.commslib.core.time.TimeSource;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.wire.DeadLetterHeaders;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs one attempt on a record: block of its key, decoding, expiry, transaction with inbox and
 * handler. Returns the outcome and never throws, except for an error of the JVM outside of the
 * handler. Thread-safe.
 */
final class AttemptRunner {

  /**
   * Unfinished attempts, beyond those of the retry schedule, after which a record is assumed to
   * crash its process.
   */
  static final int CRASH_MARGIN = 20;

  /** The code of a record that is larger than this reader allows. */
  static final String TOO_LARGE = "COMMS-CORE-025";

  private static final String CRASH_LOOP = "CRASH_LOOP";

  private final SubscriptionConfig config;
  private final MessageHandler handler;
  private final MessageFormat format;
  private final TimeSource time;
  private final String consumer;
  private final BooleanSupplier closing;
  private final Runnable onRead;
  private final int maxBodyBytes;
  private final boolean opensContext;
  private final @Nullable BlockedKeyStore blockedKeys;

  AttemptRunner(DeliveryEngineBuilder builder, BooleanSupplier closing, Runnable onRead) {
    this.config = builder.config;
    this.handler = builder.handler;
    this.format = Objects.requireNonNull(builder.format);
    this.time = Objects.requireNonNull(builder.runtime).time();
    this.consumer = config.destination() + "/" + config.group();
    this.closing = closing;
    this.onRead = onRead;
    this.maxBodyBytes = builder.maxBodyBytes;
    this.opensContext = builder.opensContext;
    this.blockedKeys = config.blockedKeys().orElse(null);
  }

  AttemptOutcome run(WorkerAccount worker, LaneEntry entry) {
    return entry.raw.runsAlone() ? runWithNote(worker, entry) : attempt(worker, entry);
  }

  /**
   * Notes the beginning of the attempt durably; the note stays if the attempt kills the process.
   */
  private AttemptOutcome runWithNote(WorkerAccount worker, LaneEntry entry) {
    entry.enter(LaneEntry.Phase.ATTEMPT_NOTE);
    try {
      entry.raw.beginAttempt();
    } catch (Throwable e) {
      if (Failures.isJvmFailure(e)) {
        throw e;
      }
      AttemptOutcome outage = outage(e);
      return outage == null ? AttemptOutcome.outage(Failures.text(e)) : outage;
    }
    entry.enter(LaneEntry.Phase.READING);
    AttemptOutcome outcome = attempt(worker, entry);
    if (outcome.kind() != AttemptOutcome.Kind.JVM_FAILURE && !outcome.reason().equals(CRASH_LOOP)) {
      entry.raw.endAttempt();
    }
    return outcome;
  }

  private AttemptOutcome attempt(WorkerAccount worker, LaneEntry entry) {
    AttemptOutcome early;
    try {
      early = prepare(entry);
    } catch (Throwable e) {
      return attemptFailed(entry, e);
    }
    return early == null ? handle(worker, entry, Objects.requireNonNull(entry.message)) : early;
  }

  /**
   * Returns the outcome of an attempt that failed outside of the handler; it counts as any other.
   */
  AttemptOutcome attemptFailed(LaneEntry entry, Throwable failure) {
    entry.handlerRuns = entry.failedAttempts() + 1;
    return classify(entry, failure);
  }

  /** Decodes the record. Returns its outcome if it must not reach the handler, else null. */
  @Nullable AttemptOutcome prepare(LaneEntry entry) {
    Message message = entry.message;
    AttemptOutcome blocked =
        blockedKeys == null || entry.handlerRuns > 0 ? null : blockedOutcome(entry, blockedKeys);
    if (blocked != null) {
      return blocked;
    }
    if (message == null) {
      DeferredRetryHeaders.restore(entry);
      try {
        message = read(entry.raw.wire());
        entry.message = message;
        onRead.run();
      } catch (CodecException e) {
        entry.recordFailure(e);
        return AttemptOutcome.deadLetter(Count.DEAD_LETTERED, e.code());
      }
    }
    Instant expiry = message.expiry().orElse(null);
    if (expiry != null && !time.now().isBefore(expiry)) {
      return config.dropsExpired()
          ? AttemptOutcome.finished(Count.EXPIRED)
          : AttemptOutcome.deadLetter(Count.EXPIRED, "EXPIRED");
    }
    if (entry.raw.unfinishedAttempts() >= config.retry().maxAttempts() + CRASH_MARGIN
        && (entry.history == null || !entry.history.isTriedByUser)) {
      return AttemptOutcome.deadLetter(Count.DEAD_LETTERED, CRASH_LOOP);
    }
    return null;
  }

  private Message read(ForeignRecord wire) {
    try {
      return Objects.requireNonNull(format.read(checkSize(wire)), "the format returned null");
    } catch (UnknownTypeException e) {
      if (handler.acceptsUnknownTypes()) {
        return e.received();
      }
      if (wire.hasBody()) {
        // Its envelope could be read, so the format is the right one.
        onRead.run();
      }
      throw e;
    }
  }

  private ForeignRecord checkSize(ForeignRecord wire) {
    if (wire.bodyLength() > maxBodyBytes) {
      throw new CodecException(
          TOO_LARGE,
          "message bytes: "
              + wire.bodyLength()
              + " (expected: 0.."
              + maxBodyBytes
              + ", maxMessageBytes of this reader; the maxMessageBytes of the writer is larger, or"
              + " the writer has none)",
          null);
    }
    return wire;
  }

  /** Returns an outcome if the key is blocked, or if that can't be determined, else null. */
  private @Nullable AttemptOutcome blockedOutcome(LaneEntry entry, BlockedKeyStore blockedKeys) {
    if (entry.lane == null) {
      return null;
    }
    entry.enter(LaneEntry.Phase.KEY_STORE);
    try {
      OptionalInt level = blockedKeys.level(consumer, entry.lane.key);
      if (level.isEmpty() || DeadLetterHeaders.redriveCount(entry.raw.wire()) > level.getAsInt()) {
        return null;
      }
      entry.history().blockLevel = level.getAsInt();
      return AttemptOutcome.deadLetter(Count.BLOCKED, "KEY_PARKED");
    } catch (Throwable e) {
      if (Failures.isJvmFailure(e)) {
        throw e;
      }
      // Whether it may be handled is unknown, so the route pauses until the store answers.
      AttemptOutcome outage = outage(e);
      return outage == null ? AttemptOutcome.outage(e.getClass().getName()) : outage;
    } finally {
      entry.enter(LaneEntry.Phase.READING);
    }
  }

  private AttemptOutcome handle(WorkerAccount worker, LaneEntry entry, Message message) {
    entry.handlerRuns = entry.failedAttempts() + 1;
    Execution execution = new Execution(entry, message, config, time);
    entry.execution = execution;
    AttemptOutcome outcome;
    Throwable failure = null;
    if (opensContext) {
      CallContext.renewLazily(worker);
    }
    try {
      outcome = inTransaction(execution, message);
    } catch (Throwable thrown) {
      failure = thrown;
      outcome = null;
    }
    boolean overrun = execution.end();
    entry.execution = null;
    if (opensContext) {
      // Whatever the handler left attached must not reach what follows.
      CallContext.renewLazily(worker);
    }
    if (failure == null && !overrun && outcome != null) {
      if (outcome.kind() == AttemptOutcome.Kind.RETRY) {
        recordRetryRequest(entry);
      }
      return outcome;
    }
    if (closing.getAsBoolean() && Failures.isInterrupt(failure)) {
      return AttemptOutcome.giveBack();
    }
    if (overrun) {
      entry.recordFailure(
          new HandlerFailure(
              "handler overran its deadline of " + config.handlerDeadline(), failure));
      return AttemptOutcome.retry(null);
    }
    return classify(entry, failure == null ? new HandlerFailure(returnedNothing(), null) : failure);
  }

  private String returnedNothing() {
    return "COMMS-CORE-014: the handler of "
        + config.name()
        + " returned null (expected: a Settlement, from a batch handler one for each delivery)";
  }

  private @Nullable AttemptOutcome inTransaction(Execution execution, Message message)
      throws Exception {
    if (config.transactions().isEmpty()) {
      execution.entry().enter(LaneEntry.Phase.HANDLER);
      Settlement settlement = handler.handle(execution);
      execution.beginCommit();
      return settlement == null ? null : outcomeOf(settlement);
    }
    execution.entry().enter(LaneEntry.Phase.INBOX);
    Optional<Inbox> inbox = config.inbox();
    return config
        .transactions()
        .get()
        .run(
            (TransactionContext tx) -> {
              execution.bind(tx);
              if (inbox.isPresent() && !inbox.get().enter(tx, consumer, message)) {
                execution.entry().enter(LaneEntry.Phase.COMMIT);
                return AttemptOutcome.finished(Count.DUPLICATE);
              }
              execution.entry().enter(LaneEntry.Phase.HANDLER);
              Settlement settlement = handler.handle(execution);
              AttemptOutcome outcome = settlement == null ? null : outcomeOf(settlement);
              boolean commits = outcome != null && outcome.kind() == AttemptOutcome.Kind.FINISHED;
              if (!commits || !execution.beginCommit()) {
                tx.setRollbackOnly();
              } else if (tx.isRollbackOnly()) {
                throw new HandlerFailure(
                    "transaction was marked rollback-only, but the handler returned done", null);
              }
              execution.entry().enter(LaneEntry.Phase.COMMIT);
              return outcome;
            });
  }

  static AttemptOutcome outcomeOf(Settlement settlement) {
    return switch (settlement.kind()) {
      case DONE -> AttemptOutcome.finished(Count.DONE);
      case DROP -> AttemptOutcome.finished(Count.DROPPED);
      case GIVE_BACK -> AttemptOutcome.giveBack();
      case DEAD_LETTER -> AttemptOutcome.deadLetter(Count.DEAD_LETTERED, settlement.reason());
      case RETRY -> AttemptOutcome.retry(settlement.after().orElse(null));
    };
  }

  private AttemptOutcome classify(LaneEntry entry, Throwable failure) {
    AttemptOutcome outage = outage(failure);
    if (outage != null && !MessageOutages.exceedsWrongSessions(entry, failure)) {
      return outage;
    }
    entry.recordFailure(failure);
    if (Failures.isJvmFailure(failure)) {
      return AttemptOutcome.jvmFailure(Failures.text(failure));
    }
    entry.enter(LaneEntry.Phase.CLASSIFIER);
    try {
      Settlement settlement = config.classifier().classify(failure);
      return settlement.kind() == Settlement.Kind.DONE
          ? AttemptOutcome.retry(null)
          : outcomeOf(settlement);
    } catch (Throwable e) {
      addSuppressed(e, failure);
      entry.recordFailure(e);
      return Failures.isJvmFailure(e)
          ? AttemptOutcome.jvmFailure(Failures.text(e))
          : AttemptOutcome.retry(null);
    } finally {
      // An interrupt that a classifier leaves set must not reach the next message.
      Thread.interrupted();
    }
  }

  private static void addSuppressed(Throwable failure, Throwable other) {
    try {
      if (failure != other) {
        failure.addSuppressed(other);
      }
    } catch (Throwable e) {
      // The suppressed failure is only information for a reader.
      return;
    }
  }

  static void recordRetryRequest(LaneEntry entry) {
    entry.recordFailure(new HandlerFailure("handler asked for a retry", null));
  }

  /**
   * Returns an outcome if a dependency is unavailable and the message is not the cause, else null.
   */
  static @Nullable AttemptOutcome outage(@Nullable Throwable failure) {
    if (failure == null || Failures.isJvmFailure(failure)) {
      return null;
    }
    CallException refused = RefusedCalls.find(failure);
    if (refused != null) {
      return AttemptOutcome.outage(refused.code());
    }
    return Failures.isOutage(failure) && !RefusedCalls.hadNoTime(failure)
        ? AttemptOutcome.outage(Failures.known(failure).map(CommsException::code).orElse(""))
        : null;
  }

  /** A failure of the handler for which the handler threw no exception. */
  private static final class HandlerFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    HandlerFailure(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }
}
