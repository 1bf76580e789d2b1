package io.commslib.resilience;

import io.commslib.core.Failures;
import io.commslib.core.call.AttemptWork;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.OutcomeClassifier;
import org.jspecify.annotations.Nullable;

/** A copy of a blocking call, on a thread of the mirrors that the tick interrupts. */
final class BlockingCopy<T extends @Nullable Object> extends MirroredCall<T> {

  private final AttemptWork<T, ?> work;

  BlockingCopy(
      CallProgress<?> call,
      Lane lane,
      CallContext outer,
      OutcomeClassifier<? super T> classifier,
      AttemptWork<T, ?> work) {
    super(call, lane, outer, classifier);
    this.work = work;
  }

  /** Watched by the tick; not counted among the attempts that overrun, for which a drain waits. */
  private static final class Running extends AttemptWatch.Watched {
    private static final long serialVersionUID = 1L;

    private final transient Thread runner = Thread.currentThread();

    Running() {
      super(Thread.currentThread());
    }

    @Override
    void overran(AttemptWatch watch) {
      runner.interrupt();
    }
  }

  @Override
  void send(CallContext context, long until) {
    Running running = new Running();
    T answer = null;
    Throwable thrown = null;
    boolean overran;
    try {
      guard.watch().begin(running, until);
      CallContext before = context.attach();
      try {
        answer = work.run(context);
      } catch (Throwable e) {
        thrown = e;
      } finally {
        overran = guard.watch().end(running);
        before.restore();
      }
      if (overran) {
        ended(Outcomes.TIMED_OUT, thrown);
      } else {
        ended(answer, thrown);
      }
    } finally {
      guard.mirrors().end(this);
    }
    if (Failures.isJvmFailure(thrown) && thrown instanceof Error error) {
      // For the log of the threads; the call that was copied does not learn it.
      throw error;
    }
  }

  /** The threads are interrupted together. */
  @Override
  void abandon() {}
}
