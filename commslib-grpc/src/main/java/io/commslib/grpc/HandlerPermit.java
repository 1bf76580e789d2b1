package io.commslib.grpc;

import io.commslib.core.call.CallOutcome;
import io.commslib.core.resilience.Permit;
import io.commslib.core.time.TimeSource;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** The permit of one handler, which ends once. */
final class HandlerPermit {

  static final HandlerPermit FREE = new HandlerPermit(null, null);
  static final HandlerPermit REFUSED = new HandlerPermit(null, null);

  private final @Nullable Permit permit;
  private final @Nullable TimeSource time;
  private final long begunNanos;
  private final AtomicBoolean isEnded = new AtomicBoolean();

  HandlerPermit(@Nullable Permit permit, @Nullable TimeSource time) {
    this.permit = permit;
    this.time = time;
    this.begunNanos = time == null ? 0 : time.nanoTime();
  }

  void ends(CallOutcome outcome) {
    Permit held = permit;
    if (held != null && time != null && isEnded.compareAndSet(false, true)) {
      held.ended(outcome, time.nanoTime() - begunNanos);
    }
  }
}
