package io.commslib.grpc;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.resilience.ConcurrencyLimiter;
import io.commslib.core.resilience.Permit;
import io.commslib.core.time.CommsRuntime;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The parts that all calls of a server use. Thread-safe. */
final class Serving {

  private static final CallOutcome FAILED = CallOutcome.answered(CallStatus.INTERNAL);

  private final CommsRuntime runtime;
  private final HandlerFailures failures;
  private final @Nullable ConcurrencyLimiter limiter;
  private final Map<String, KeyedMethod> keyed;
  private final Duration maxTimeout;
  private final Duration retryAfter;
  private final int maxInFlight;
  private final AtomicInteger inFlight = new AtomicInteger();
  private final AtomicLong refused = new AtomicLong();
  private final AtomicLong overruns = new AtomicLong();

  Serving(GrpcServer.Builder from, CommsRuntime runtime) {
    this.runtime = runtime;
    this.failures = new HandlerFailures(runtime.time(), from.retryAfter);
    this.limiter = from.limiter;
    this.keyed = Map.copyOf(from.keyed);
    this.maxTimeout = from.maxTimeout;
    this.retryAfter = from.retryAfter;
    this.maxInFlight = from.maxInFlight;
  }

  CommsRuntime runtime() {
    return runtime;
  }

  HandlerFailures failures() {
    return failures;
  }

  @Nullable KeyedMethod keyed(MethodDescriptor<?, ?> method) {
    return keyed.get(method.getFullMethodName());
  }

  Duration maxTimeout() {
    return maxTimeout;
  }

  Duration retryAfter() {
    return retryAfter;
  }

  int inFlight() {
    return inFlight.get();
  }

  long refused() {
    return refused.get();
  }

  long overruns() {
    return overruns.get();
  }

  void overran() {
    overruns.incrementAndGet();
  }

  OptionalInt limit() {
    return limiter == null ? OptionalInt.empty() : OptionalInt.of(limiter.limit());
  }

  /** Admits a call, which then ends with {@link #leaves}; returns why it is refused, or null. */
  @Nullable GrpcProblem admits(Metadata headers) {
    if (TimeoutHeader.isMalformed(headers)) {
      return ServerProblems.malformedTimeout();
    }
    Deadline deadline = Context.current().getDeadline();
    if (deadline != null && deadline.isExpired()) {
      return ServerProblems.expired();
    }
    if (inFlight.incrementAndGet() > maxInFlight) {
      inFlight.decrementAndGet();
      refused.incrementAndGet();
      return ServerProblems.overloaded(maxInFlight, "the server's maxInFlight", retryAfter);
    }
    return null;
  }

  void leaves() {
    inFlight.decrementAndGet();
  }

  /**
   * The nanoseconds that a call has left, {@code Long.MAX_VALUE} for a stream without a deadline.
   */
  long leftNanos(MethodDescriptor<?, ?> method) {
    Deadline deadline = Context.current().getDeadline();
    long left = deadline == null ? Long.MAX_VALUE : deadline.timeRemaining(TimeUnit.NANOSECONDS);
    return method.getType() == MethodDescriptor.MethodType.UNARY
        ? Math.min(left, maxTimeout.toNanos())
        : left;
  }

  /** Asks the limiter, if there is one, for the run of a handler. */
  HandlerPermit permit(CallContext caller) {
    if (limiter == null) {
      return HandlerPermit.FREE;
    }
    Permit permit = limiter.tryAcquire(caller.criticality());
    if (permit == null) {
      refused.incrementAndGet();
      return HandlerPermit.REFUSED;
    }
    return new HandlerPermit(permit, runtime.time());
  }

  GrpcProblem refusedByLimiter(CallContext caller) {
    int max = caller.criticality().partOf(limiter == null ? maxInFlight : limiter.limit());
    return ServerProblems.overloaded(max, "the server's limiter now", retryAfter);
  }

  /** The handler has had its effect, so a limiter that fails must not change its answer. */
  void ends(HandlerPermit permit, @Nullable CallStatus status, String method) {
    try {
      permit.ends(status == null ? FAILED : CallOutcome.answered(status));
    } catch (Throwable e) {
      failures.afterEnd(e, method);
    }
  }
}
