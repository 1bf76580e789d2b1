package io.commslib.benchmarks.calls;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.ConcurrencyLimiter;
import io.commslib.core.resilience.Permit;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.time.VirtualTime;
import io.commslib.resilience.AdaptiveLimiter;
import io.commslib.resilience.AdaptiveLimiterConfig;
import io.commslib.resilience.Guard;
import io.commslib.resilience.Resilience;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A server with a few workers and one queue, and callers that stop waiting, under virtual time.
 * Calls arrive at random times, and service times are exponentially distributed. Each caller has
 * the shipped circuit breaker, budget and waits with their defaults; the server has the shipped
 * adaptive limit, or none. A refused request costs the server nothing, and the server does not know
 * that a caller has stopped waiting.
 */
final class Overload {

  private static final int WORKERS = 8;
  private static final Duration SERVICE = Duration.ofMillis(20);
  private static final Duration TIMEOUT = Duration.ofMillis(250);
  private static final Duration DEADLINE = Duration.ofSeconds(1);
  private static final Duration ADVICE = Duration.ofMillis(100);
  private static final int CALLERS = 10;
  private static final double PER_SECOND = WORKERS * 1e9 / SERVICE.toNanos();
  private static final CallTarget TARGET = CallTarget.of("server", "get", Idempotency.SAFE);
  private static final CallOutcome OK = CallOutcome.answered(CallStatus.OK);
  private static final CallOutcome TIMED_OUT =
      CallOutcome.of(CallStatus.DEADLINE_EXCEEDED, SendCertainty.MAYBE_SENT);
  private static final CallOutcome REFUSED =
      CallOutcome.answered(CallStatus.RESOURCE_EXHAUSTED).withRetryAfter(ADVICE);

  private final VirtualTime time;
  private final SplittableRandom random;
  private final Guard[] callers = new Guard[CALLERS];
  private final @Nullable ConcurrencyLimiter limiter;
  private final Deque<Request> queue = new ArrayDeque<>();
  private final RetryPolicy retry = RetryPolicy.defaults();
  private double load;
  private int busy;
  private long calls;
  private long answered;

  /**
   * Creates the server and its callers.
   *
   * @param limited whether the server has the adaptive limit
   */
  Overload(boolean limited, long seed) {
    time = VirtualTime.startingAt(Instant.EPOCH, seed);
    random = new SplittableRandom(seed);
    limiter = limited ? AdaptiveLimiter.create(AdaptiveLimiterConfig.defaults(), time) : null;
    for (int i = 0; i < CALLERS; i++) {
      // Each caller is a process of its own.
      callers[i] = Resilience.create(time).guard("server");
    }
  }

  /**
   * Returns the calls that are answered in time, as a share of what the server can do.
   *
   * @param offered the calls, as a multiple of what the server can do
   */
  double goodput(double offered, Duration warmUp, Duration measured) {
    load = offered;
    nextCall();
    time.advance(warmUp);
    answered = 0;
    time.advance(measured);
    return answered / (PER_SECOND * measured.toSeconds());
  }

  private void after(double nanos, Runnable task) {
    time.scheduler().schedule(Duration.ofNanos((long) nanos), task);
  }

  private double exponential(double mean) {
    return -Math.log(1 - random.nextDouble()) * mean;
  }

  private void nextCall() {
    after(
        exponential(1e9 / (PER_SECOND * load)),
        () -> {
          nextCall();
          new Call(callers[(int) (calls++ % CALLERS)]).begin();
        });
  }

  /** The server takes a request, or refuses it. */
  private void arrive(Request request) {
    if (limiter != null) {
      request.admission = limiter.tryAcquire();
      if (request.admission == null) {
        request.answer(REFUSED);
        return;
      }
    }
    queue.add(request);
    work();
  }

  private void work() {
    while (busy < WORKERS && !queue.isEmpty()) {
      Request request = queue.remove();
      busy++;
      after(
          exponential(SERVICE.toNanos()),
          () -> {
            busy--;
            if (request.admission != null) {
              request.admission.ended(OK, time.time().nanoTime() - request.sentNanos);
            }
            request.answer(OK);
            work();
          });
    }
  }

  /** A call of a user: up to three attempts within its deadline. */
  private final class Call {
    private final Guard guard;
    private final long begunNanos = time.time().nanoTime();
    private int attempts;

    Call(Guard guard) {
      this.guard = guard;
    }

    void begin() {
      guard.retryBudget().deposit();
      attempt();
    }

    private void attempt() {
      attempts++;
      Permit permit = guard.circuitBreaker().tryAcquire();
      if (permit != null) {
        Request request = new Request(this, permit);
        after(TIMEOUT.toNanos(), () -> request.answer(TIMED_OUT));
        arrive(request);
      }
    }

    private void ended(CallOutcome outcome) {
      if (outcome.isSuccess()) {
        answered++;
      } else if (attempts < retry.maxAttempts() && RetryPolicy.permits(TARGET, outcome)) {
        Duration wait = retry.backoff().next(attempts, time.random());
        Duration advice = outcome.retryAfter().orElse(Duration.ZERO);
        wait = wait.compareTo(advice) < 0 ? advice : wait;
        long left = DEADLINE.toNanos() - (time.time().nanoTime() - begunNanos);
        if (wait.toNanos() < left && guard.retryBudget().tryWithdraw()) {
          after(wait.toNanos(), this::attempt);
        }
      }
    }
  }

  private final class Request {
    private final Call call;
    private final Permit attempt;
    private final long sentNanos = time.time().nanoTime();
    private @Nullable Permit admission;
    private boolean isAnswered;

    Request(Call call, Permit attempt) {
      this.call = call;
      this.attempt = attempt;
    }

    /** The caller sees the first of answer and timeout. */
    void answer(CallOutcome outcome) {
      if (!isAnswered) {
        isAnswered = true;
        attempt.ended(outcome, time.time().nanoTime() - sentNanos);
        call.ended(outcome);
      }
    }
  }
}
