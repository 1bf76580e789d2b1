package io.commslib.http.server;

import io.commslib.core.checks.Checks;
import io.commslib.http.Problem;
import java.util.List;
import java.util.Map;

/**
 * Ends a request with problem details. Handlers throw it from any depth, or return {@link
 * HttpAnswer#problem}. It has no stack trace, since it is an answer.
 */
public final class ProblemException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final transient Problem problem;
  private final transient Map<String, List<String>> headers;

  /**
   * Creates the end of a request.
   *
   * @param problem the details that the caller gets
   * @throws IllegalArgumentException if their status is below 400
   */
  public ProblemException(Problem problem) {
    this(problem, Map.of());
  }

  ProblemException(Problem problem, Map<String, List<String>> headers) {
    super(
        problem.code().map(code -> code + ": ").orElse("") + problem.detail(), null, false, false);
    Checks.inRange("status", problem.status(), 400, 599);
    this.problem = problem;
    this.headers = headers;
  }

  /** {@return the details that the caller gets} */
  public Problem problem() {
    return problem;
  }

  /** {@return header fields that belong to the details} */
  Map<String, List<String>> headers() {
    return headers;
  }
}
