package io.commslib.http;

import io.commslib.core.Failures;
import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.OutcomeClassifier;
import io.commslib.core.time.TimeSource;
import java.io.IOException;
import java.net.ProtocolException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Optional;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;

/**
 * The outcome of an attempt over HTTP. An answer has the status of its code, whatever is in its
 * body; problem details add advice. Whether the request was sent is never read from a text.
 */
final class HttpOutcomes implements OutcomeClassifier<HttpResponse<?>> {

  private static final int FIRST_FAILURE = 400;
  private static final int CONFLICT = 409;
  private static final CallOutcome NOT_CONNECTED =
      CallOutcome.of(CallStatus.UNAVAILABLE, SendCertainty.NOT_SENT);
  private static final CallOutcome TIMED_OUT =
      CallOutcome.of(CallStatus.DEADLINE_EXCEEDED, SendCertainty.MAYBE_SENT);

  /** A repetition would fail in the same way. */
  private static final CallOutcome NO_TRUST = NOT_CONNECTED.withoutRetry();

  private static final CallOutcome UNUSABLE =
      CallOutcome.answered(CallStatus.UNKNOWN).withoutRetry();

  private final TimeSource time;

  HttpOutcomes(TimeSource time) {
    this.time = time;
  }

  /** Returns the outcomes of attempts whose answers a handler of the user reads. */
  OutcomeClassifier<HttpResponse<?>> of(AnswerReading<?> reading) {
    return new OutcomeClassifier<>() {
      @Override
      public CallOutcome ofAnswer(HttpResponse<?> answer) {
        return HttpOutcomes.this.ofAnswer(answer);
      }

      @Override
      public CallOutcome ofFailure(Throwable failure) {
        return reading.isRefused() ? UNUSABLE : HttpOutcomes.this.ofFailure(failure);
      }
    };
  }

  static boolean isTooLarge(Throwable failure) {
    return Failures.find(failure, BoundedBody.TooLargeException.class).isPresent();
  }

  /** The JDK's client throws this for a Content-Length that is no number. Its text shows it. */
  static boolean isMalformedLength(Throwable failure) {
    return Failures.find(failure, NumberFormatException.class).isPresent();
  }

  static IOException malformedLength() {
    return new IOException("the answer has a malformed Content-Length");
  }

  /**
   * Returns a failure whose text shows no content: the client shows the line that it can't read.
   */
  static IOException withoutContent(IOException failure) {
    return Failures.find(failure, ProtocolException.class).isPresent()
        ? new ProtocolException("the answer is no valid HTTP")
        : failure;
  }

  static boolean isFailure(int status) {
    return status >= FIRST_FAILURE;
  }

  @Override
  public CallOutcome ofAnswer(HttpResponse<?> answer) {
    int status = answer.statusCode();
    if (status < FIRST_FAILURE) {
      return CallOutcome.answered(CallStatus.OK);
    }
    // Some servers answer with a code beyond those of the RFC.
    CallOutcome outcome = CallOutcome.answered(CallStatus.ofHttp(Math.min(status, 599)));
    HttpHeaders headers = answer.headers();
    Optional<Problem> problem =
        answer.body() instanceof byte[] body ? problem(status, headers, body) : Optional.empty();
    Duration advice = RetryAfter.parse(headers.firstValue("Retry-After").orElse(null), time.now());
    Duration detailed = problem.flatMap(Problem::retryAfter).orElse(null);
    Duration longer = longer(advice, detailed);
    if (longer != null) {
      outcome = outcome.withRetryAfter(longer);
    }
    boolean isForbidden =
        problem.isPresent() && !problem.get().isRetryable() || isConflict(status, problem);
    return isForbidden ? outcome.withoutRetry() : outcome;
  }

  /**
   * Whether a 409 is about the state of the remote, which a repetition meets again, and not about
   * an earlier attempt with the same idempotency key that is still in progress.
   */
  private static boolean isConflict(int status, Optional<Problem> problem) {
    return status == CONFLICT
        && !problem
            .flatMap(Problem::code)
            .filter(IdempotencyAnswers.IN_PROGRESS::equals)
            .isPresent();
  }

  private static @Nullable Duration longer(@Nullable Duration one, @Nullable Duration other) {
    if (one == null || other == null) {
      return one == null ? other : one;
    }
    return one.compareTo(other) >= 0 ? one : other;
  }

  /** Returns the problem details of an answer, if it has some that can be read. */
  static Optional<Problem> problem(int status, HttpHeaders headers, byte[] body) {
    String type = headers.firstValue("Content-Type").orElse("");
    return MediaTypes.isSame(type, Problem.MEDIA_TYPE)
        ? Problem.parse(body, Math.min(status, 599))
        : Optional.empty();
  }

  @Override
  public CallOutcome ofFailure(Throwable failure) {
    if (isTooLarge(failure)) {
      return UNUSABLE;
    }
    if (failure instanceof HttpConnectTimeoutException) {
      return NOT_CONNECTED;
    }
    if (failure instanceof HttpTimeoutException) {
      return TIMED_OUT;
    }
    if (failure instanceof SSLHandshakeException) {
      return NO_TRUST;
    }
    return OutcomeClassifier.plain().ofFailure(failure);
  }
}
