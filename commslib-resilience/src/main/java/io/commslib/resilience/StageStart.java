package io.commslib.resilience;

import io.commslib.core.call.AttemptStage;
import io.commslib.core.call.CallContext;
import java.util.concurrent.CompletionStage;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The start of an attempt that returns a stage, with the faults that are chosen for it, and then of
 * the copy of its call. Chosen under the call's lock and run outside of it.
 */
final class StageStart<T extends @Nullable Object> implements AsyncCall.Next {

  private final AsyncAttempt<T> attempt;
  private final AttemptStage<T> work;
  private final CallContext context;
  private final @Nullable MirroredCall<T> copy;
  private final long delayNanos;
  private final boolean isFailed;

  StageStart(
      AsyncAttempt<T> attempt,
      AttemptStage<T> work,
      CallContext context,
      @Nullable MirroredCall<T> copy) {
    this.attempt = attempt;
    this.work = work;
    this.context = context;
    this.copy = copy;
    FaultInjector faults = attempt.call().plan.faults;
    RandomGenerator random = attempt.call().guard().runtime().random();
    this.delayNanos = faults == null ? 0 : faults.delayNanos(random);
    this.isFailed = faults != null && faults.fails(random);
  }

  @Override
  public void run() {
    Guard guard = attempt.call().guard();
    // A delay blocks no thread.
    if (delayNanos == 0 || guard.threads().after(delayNanos, this::start) == null) {
      start();
    }
    if (copy != null) {
      guard.mirrors().offer(copy);
    }
  }

  private void start() {
    attempt.start(isFailed ? StageStart::injected : work, context);
  }

  private static <T extends @Nullable Object> CompletionStage<T> injected(CallContext attempt)
      throws Exception {
    throw FaultInjector.FAILURE;
  }
}
