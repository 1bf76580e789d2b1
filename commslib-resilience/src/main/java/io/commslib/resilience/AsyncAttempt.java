package io.commslib.resilience;

import io.commslib.core.Failures;
import io.commslib.core.call.AttemptStage;
import io.commslib.core.call.CallContext;
import io.commslib.core.resilience.Permit;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * One attempt of an asynchronous call. Exactly one party ends it: its stage, the tick, or a cancel.
 * Its slot of the bulkhead is taken until its stage has ended, also after a timeout or a cancel
 * that the stage ignores.
 *
 * @param <T> type of the answer
 */
final class AsyncAttempt<T extends @Nullable Object> extends AttemptWatch.Watched {

  private static final long serialVersionUID = 1L;

  @SuppressWarnings("rawtypes") // there is no class of a type with a parameter
  private static final AtomicIntegerFieldUpdater<AsyncAttempt> HAS_RETURNED =
      AtomicIntegerFieldUpdater.newUpdater(AsyncAttempt.class, "hasReturned");

  /** Small fields are bytes: it is allocated for each attempt. */
  final byte number;

  final transient Permit permit;
  private final transient Lane lane;

  /** Guarded by the call's lock: whether it holds a slot; before, it waits for a token. */
  boolean isSent;

  /** Guarded by the call's lock until the attempt begins: before, the wait for a token. */
  long begunNanos;

  private final transient AsyncCall<T> call;

  /** 1 once its stage has ended. */
  private volatile int hasReturned;

  private transient volatile @Nullable CompletionStage<T> stage;
  private volatile boolean isStopped;

  AsyncAttempt(AsyncCall<T> call, int number, Permit permit, Lane lane) {
    super(null);
    this.call = call;
    this.number = (byte) number;
    this.permit = permit;
    this.lane = lane;
  }

  AsyncCall<T> call() {
    return call;
  }

  /** Starts the work of the user on this thread, unless the call has been cancelled meanwhile. */
  void start(AttemptStage<T> work, CallContext context) {
    if (isStopped) {
      returned(null, null);
      return;
    }
    CompletionStage<T> started = null;
    Throwable thrown = null;
    CallContext before = context.attach();
    try {
      started = work.start(context);
    } catch (Throwable e) {
      thrown = e;
    } finally {
      before.attach();
    }
    if (started == null) {
      returned(
          null, thrown == null ? new NullPointerException("the work returned no stage") : thrown);
      return;
    }
    stage = started;
    if (isStopped) {
      call.guard().threads().cancel(this::cancelStage);
    }
    try {
      started.whenComplete(this::returned);
    } catch (Throwable e) {
      returned(null, e);
    }
  }

  /** The stage has ended; a second end of a foreign stage changes nothing. */
  private void returned(@Nullable T answer, @Nullable Throwable thrown) {
    if (hasReturned > 0 || !HAS_RETURNED.compareAndSet(this, 0, 1)) {
      return;
    }
    call.freeSlot(lane);
    if (AttemptWatch.tryEnd(this)) {
      // Stages wrap the failures of the stages that they depend on.
      call.returned(this, answer, thrown == null ? null : Failures.unwrapped(thrown));
    } else {
      call.guard().watch().returned();
    }
  }

  @Override
  void overran(AttemptWatch watch) {
    watch.overran();
    isStopped = true;
    // Two tasks: a stage whose cancel hangs must not delay the result.
    call.guard().threads().cancel(this::cancelStage);
    call.guard().threads().execute(() -> call.timedOut(this));
  }

  /** Ends the attempt unless something else has; the stage is to be cancelled afterwards. */
  boolean tryCancel() {
    if (!AttemptWatch.tryEnd(this)) {
      return false;
    }
    call.guard().watch().cancelled();
    isStopped = true;
    return true;
  }

  void cancelStage() {
    CompletionStage<T> started = stage;
    if (started == null) {
      // It is cancelled as soon as the work has returned it.
      return;
    }
    try {
      started.toCompletableFuture().cancel(true);
    } catch (Throwable e) {
      // The stage can't be cancelled: its slot stays taken until it ends.
      Thread.onSpinWait();
    }
  }
}
