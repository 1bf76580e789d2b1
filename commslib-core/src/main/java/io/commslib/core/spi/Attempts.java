package io.commslib.core.spi;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.core.codec.CodecException;
import io.commslib.core.idempotency.Inbox;
import io.commslib.core.messaging.HeldKeys;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.time.TimeSource;
import io.commslib.core.tx.TransactionContext;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs one attempt on a record: decode, expiry, transaction with inbox and handler; and says what
 * it came to.
 */
final class Attempts {

  /**
   * Deliveries the broker may count beyond the schedule's attempts before a record is taken for one
   * that kills.
   */
  static final int CRASH_MARGIN = 20;

  private final SubscriptionConfig config;
  private final MessageHandler handler;
  private final CloudEventsEnvelope envelope;
  private final TimeSource time;
  private final Watchdog watchdog;
  private final String consumer;
  private final BooleanSupplier closing;
  private final int maxBodyBytes;
  private final @Nullable HeldKeys heldKeys;

  Attempts(
      SubscriptionConfig config,
      MessageHandler handler,
      CloudEventsEnvelope envelope,
      TimeSource time,
      Watchdog watchdog,
      BooleanSupplier closing,
      int maxBodyBytes) {
    this.config = config;
    this.handler = handler;
    this.envelope = envelope;
    this.time = time;
    this.watchdog = watchdog;
    this.consumer = config.destination() + "/" + config.group();
    this.closing = closing;
    this.maxBodyBytes = maxBodyBytes;
    this.heldKeys = config.heldKeys().orElse(null);
  }

  Verdict run(LaneEntry entry) {
    Verdict early = prepare(entry);
    return early == null ? handle(entry, Objects.requireNonNull(entry.message)) : early;
  }

  /** Decodes the record; returns what becomes of it if it must not reach the handler, else null. */
  @Nullable Verdict prepare(LaneEntry entry) {
    Message message = entry.message;
    Verdict parked = heldKeys == null || entry.attempts > 0 ? null : parked(entry, heldKeys);
    if (parked != null) {
      return parked;
    }
    if (message == null) {
      SetAsideHeaders.restore(entry);
      try {
        message = envelope.decode(checked(entry.raw.wire()));
        entry.message = message;
      } catch (CodecException e) {
        entry.failed(e);
        return Verdict.deadLetter(Count.DEAD_LETTERED, e.code());
      } catch (RuntimeException | Error e) {
        entry.failed(e);
        return isMachineFailure(e)
            ? Verdict.machineFailed(e.getClass().getSimpleName())
            : Verdict.deadLetter(Count.DEAD_LETTERED, "COMMS-CORE-024");
      }
    }
    Instant expiry = message.expiry().orElse(null);
    if (expiry != null && !time.now().isBefore(expiry)) {
      return config.dropsExpired()
          ? Verdict.finished(Count.EXPIRED)
          : Verdict.deadLetter(Count.EXPIRED, "EXPIRED");
    }
    if (entry.raw.priorDeliveries() >= config.retry().maxAttempts() + CRASH_MARGIN) {
      return Verdict.deadLetter(Count.DEAD_LETTERED, "CRASH_LOOP");
    }
    return null;
  }

  private WireMessage checked(WireMessage wire) {
    if (wire.bodyLength() > maxBodyBytes) {
      throw new CodecException(
          "COMMS-CORE-025",
          "body: " + wire.bodyLength() + " bytes (expected: at most " + maxBodyBytes + ")",
          null);
    }
    return wire;
  }

  /** Returns a verdict if the record has to follow one of its key to the dead letters. */
  private @Nullable Verdict parked(LaneEntry entry, HeldKeys heldKeys) {
    if (entry.lane == null) {
      return null;
    }
    try {
      OptionalInt level = heldKeys.level(consumer, entry.lane.key);
      if (level.isEmpty() || DeadLetterHeaders.redriveCount(entry.raw.wire()) > level.getAsInt()) {
        return null;
      }
      entry.failures().holdLevel = level.getAsInt();
      return Verdict.deadLetter(Count.PARKED, "KEY_PARKED");
    } catch (RuntimeException e) {
      // Whether it may be handled is unknown: nothing moves until the store answers.
      Verdict outage = outage(e);
      return outage == null ? Verdict.outage(e.getClass().getName()) : outage;
    }
  }

  private Verdict handle(LaneEntry entry, Message message) {
    Execution execution = new Execution(entry, message, config, time);
    entry.attempts = entry.failedAttempts() + 1;
    entry.execution = execution;
    watchdog.started();
    Verdict verdict;
    Throwable failure = null;
    try {
      verdict = inTransaction(execution, message);
    } catch (Throwable thrown) {
      failure = thrown;
      verdict = null;
    }
    boolean overrun = watchdog.ended(execution);
    entry.execution = null;
    if (failure == null && !overrun && verdict != null) {
      if (verdict.kind() == Verdict.Kind.RETRY) {
        askedForRetry(entry);
      }
      return verdict;
    }
    if (closing.getAsBoolean() && causedByInterrupt(failure)) {
      return Verdict.giveBack();
    }
    if (overrun) {
      entry.failed(
          new HandlerFailure(
              "handler overran its deadline of " + config.handlerDeadline(), failure));
      return Verdict.retry(null);
    }
    return classify(
        entry, failure == null ? new HandlerFailure("handler returned null", null) : failure);
  }

  private @Nullable Verdict inTransaction(Execution execution, Message message) throws Exception {
    if (config.transactions().isEmpty()) {
      Settlement settlement = handler.handle(execution);
      execution.beginCommit();
      return settlement == null ? null : verdict(settlement);
    }
    Optional<Inbox> inbox = config.inbox();
    return config
        .transactions()
        .get()
        .run(
            (TransactionContext tx) -> {
              execution.bind(tx);
              if (inbox.isPresent() && !inbox.get().enter(tx, consumer, message)) {
                return Verdict.finished(Count.DUPLICATE);
              }
              Settlement settlement = handler.handle(execution);
              Verdict verdict = settlement == null ? null : verdict(settlement);
              boolean commits = verdict != null && verdict.kind() == Verdict.Kind.FINISHED;
              if (!commits || !execution.beginCommit()) {
                tx.setRollbackOnly();
              } else if (tx.isRollbackOnly()) {
                throw new HandlerFailure(
                    "transaction was marked rollback-only, but the handler said done", null);
              }
              return verdict;
            });
  }

  static Verdict verdict(Settlement settlement) {
    return switch (settlement.kind()) {
      case DONE -> Verdict.finished(Count.DONE);
      case DROP -> Verdict.finished(Count.DROPPED);
      case GIVE_BACK -> Verdict.giveBack();
      case DEAD_LETTER -> Verdict.deadLetter(Count.DEAD_LETTERED, settlement.reason());
      case RETRY -> Verdict.retry(settlement.after().orElse(null));
    };
  }

  private Verdict classify(LaneEntry entry, Throwable failure) {
    Verdict outage = outage(failure);
    if (outage != null) {
      return outage;
    }
    entry.failed(failure);
    if (isMachineFailure(failure)) {
      return Verdict.machineFailed(failure.getClass().getSimpleName());
    }
    try {
      Settlement settlement = config.classifier().classify(failure);
      return settlement.kind() == Settlement.Kind.DONE ? Verdict.retry(null) : verdict(settlement);
    } catch (RuntimeException e) {
      e.addSuppressed(failure);
      entry.failed(e);
      return Verdict.retry(null);
    }
  }

  /**
   * The JVM itself is in trouble. Not so for a stack overflow, which a single message can cause,
   * nor for a class that can't be linked: those are failures of the handler.
   */
  static boolean isMachineFailure(Throwable failure) {
    return failure instanceof VirtualMachineError && !(failure instanceof StackOverflowError);
  }

  static void askedForRetry(LaneEntry entry) {
    entry.failed(new HandlerFailure("handler asked for a retry", null));
  }

  /** Returns a verdict if the failure is about something out of reach, not about the message. */
  static @Nullable Verdict outage(@Nullable Throwable failure) {
    return failure instanceof CommsException known
            && (known.kind() == FailureKind.TRANSIENT || known.kind() == FailureKind.UNKNOWN_RESULT)
        ? Verdict.outage(known.code())
        : null;
  }

  private static boolean causedByInterrupt(@Nullable Throwable failure) {
    Throwable cause = failure;
    for (int depth = 0; cause != null && depth < 20; depth++) {
      if (cause instanceof InterruptedException) {
        return true;
      }
      cause = cause.getCause();
    }
    return false;
  }

  /** A failure of the handler that has no exception of its own. */
  private static final class HandlerFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    HandlerFailure(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }
}
