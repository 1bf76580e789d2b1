package io.commslib.http.server;

import io.commslib.http.Problem;
import org.jspecify.annotations.Nullable;

/**
 * What code of the user has returned can't be used, and would be the same for a repetition of the
 * request. Passes the reason to the log; the caller gets the problem.
 */
final class UnusableResultException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final transient Problem problem;

  UnusableResultException(Problem problem, String reason, @Nullable Throwable cause) {
    super(reason, cause);
    this.problem = problem;
  }

  Problem problem() {
    return problem;
  }
}
