package io.commslib.resilience;

import io.commslib.core.Failures;
import io.commslib.core.call.AttemptStage;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.OutcomeClassifier;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** A copy of a call that returns a stage. It holds its place until the stage has ended. */
final class StageCopy<T extends @Nullable Object> extends MirroredCall<T> {

  private final AttemptStage<T> work;
  private final Running running = new Running();
  private volatile @Nullable CompletionStage<T> stage;
  private volatile boolean isStopped;

  StageCopy(
      CallProgress<?> call,
      Lane lane,
      CallContext outer,
      OutcomeClassifier<? super T> classifier,
      AttemptStage<T> work) {
    super(call, lane, outer, classifier);
    this.work = work;
  }

  private final class Running extends AttemptWatch.Watched {
    private static final long serialVersionUID = 1L;

    Running() {
      super(null);
    }

    @Override
    void overran(AttemptWatch watch) {
      guard.mirrors().execute(() -> stop(Outcomes.TIMED_OUT));
    }
  }

  @Override
  void send(CallContext context, long until) {
    guard.watch().begin(running, until);
    CompletionStage<T> started = null;
    Throwable thrown = null;
    CallContext before = context.attach();
    try {
      started = work.start(context);
    } catch (Throwable e) {
      thrown = e;
    } finally {
      before.restore();
    }
    if (started == null) {
      returned(
          null, thrown == null ? new NullPointerException("the work returned no stage") : thrown);
      return;
    }
    stage = started;
    if (isStopped) {
      cancelStage();
    }
    try {
      started.whenComplete(this::returned);
    } catch (Throwable e) {
      returned(null, e);
    }
  }

  private void returned(@Nullable T answer, @Nullable Throwable thrown) {
    try {
      if (AttemptWatch.tryEnd(running)) {
        ended(answer, thrown == null ? null : Failures.unwrapped(thrown));
      }
    } finally {
      guard.mirrors().end(this);
    }
  }

  private void stop(CallOutcome outcome) {
    ended(outcome, null);
    isStopped = true;
    cancelStage();
  }

  private void cancelStage() {
    CompletionStage<T> started = stage;
    if (started == null) {
      // It is cancelled as soon as the work has returned it.
      return;
    }
    try {
      started.toCompletableFuture().cancel(true);
    } catch (Throwable e) {
      // The stage can't be cancelled: its place stays taken until it ends.
      Thread.onSpinWait();
    }
  }

  @Override
  void abandon() {
    if (AttemptWatch.tryEnd(running)) {
      guard.threads().cancel(() -> stop(Outcomes.INTERRUPTED));
    }
  }
}
