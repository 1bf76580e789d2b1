package io.commslib.http.server;

import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.idempotency.RequestOutcome;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.http.CallHeaders;
import io.commslib.http.IdempotencyAnswers;
import io.commslib.http.Problem;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Runs the handler of a keyed route once for each key, and answers repetitions with the stored
 * answer. The scope of a key is the operation and the caller, its content is path, query and body.
 */
final class KeyedRequests {

  /** With the caller and a space, the scope of a key has at most 200 characters. */
  static final int MAX_OPERATION_CHARS = 119;

  /** The handler of a route, with encoding. */
  interface Work {
    ServerAnswer run() throws Exception;
  }

  /** The handler of a route within a transaction, with encoding. */
  interface TransactionalWork {
    ServerAnswer run(TransactionContext tx) throws Exception;
  }

  private final IdempotentRequests requests;
  private final Function<RouteRequest, String> caller;
  private final Duration longestAdvice;

  KeyedRequests(
      IdempotentRequests requests, Function<RouteRequest, String> caller, Duration longestAdvice) {
    this.requests = requests;
    this.caller = caller;
    this.longestAdvice = longestAdvice;
  }

  /** Returns a copy that advises callers of requests in progress to wait for at most a time. */
  KeyedRequests advising(Duration longest) {
    return new KeyedRequests(requests, caller, longest);
  }

  IdempotentRequests requests() {
    return requests;
  }

  /** The effects may be in any system; a lease keeps a second request from running meanwhile. */
  ServerAnswer leased(RouteRequest request, byte[] body, Work work) throws Exception {
    Made made = new Made();
    RequestOutcome outcome =
        requests.<Exception>withLease(
            scope(request),
            key(request),
            fingerprint(request, body),
            attempt -> made.keep(ended(request, work)));
    return answer(outcome, made);
  }

  /** All effects are in the transaction, and the stored answer commits with them. */
  ServerAnswer transactional(
      TransactionRunner transactions, RouteRequest request, byte[] body, TransactionalWork work)
      throws Exception {
    Made made = new Made();
    RequestOutcome outcome =
        requests.<Exception>inTransaction(
            transactions,
            scope(request),
            key(request),
            fingerprint(request, body),
            tx -> made.keep(ended(request, () -> work.run(tx))));
    return answer(outcome, made);
  }

  /** An interrupt must not keep the effects of a handler from the store. */
  private static ServerAnswer ended(RouteRequest request, Work work) throws Exception {
    try {
      return work.run();
    } finally {
      request.handlerEnds();
    }
  }

  private String scope(RouteRequest request) {
    return request.operation() + " " + CallerName.of(caller, request);
  }

  private static @Nullable String key(RouteRequest request) {
    List<String> keys = request.headers(CallHeaders.IDEMPOTENCY_KEY);
    // Several fields are a list, which is no key. A line end makes it malformed in each form.
    return keys.isEmpty() ? null : String.join("\n", keys);
  }

  private static String fingerprint(RouteRequest request, byte[] body) {
    return IdempotentRequests.fingerprint(
        request.rawTarget().getBytes(StandardCharsets.UTF_8), body);
  }

  private ServerAnswer answer(RequestOutcome outcome, Made made) {
    IdempotencyAnswers.problem(outcome)
        .ifPresent(
            problem -> {
              throw new ProblemException(advised(problem));
            });
    ServerAnswer own = made.answer;
    return own != null && !outcome.isRepetition() ? own : restored(outcome.result());
  }

  /** Shortens the advice: what is left of a lease is the longest wait, after a crash. */
  private Problem advised(Problem problem) {
    Duration advice = problem.retryAfter().orElse(Duration.ZERO);
    return advice.compareTo(longestAdvice) <= 0
        ? problem
        : Problem.builder(problem.status())
            .code(problem.code().orElse(""))
            .title(problem.title())
            .detail(problem.detail())
            .retryAfter(longestAdvice)
            .build();
  }

  private static ServerAnswer restored(StoredResult result) {
    Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    result.headers().forEach((name, value) -> headers.put(name, List.of(value)));
    if (!result.contentType().isEmpty()) {
      headers.put("Content-Type", List.of(result.contentType()));
    }
    return ServerAnswer.of(result.status(), headers, result.body());
  }

  /** The answer that the handler has made, whole: what is stored may be shorter. */
  private static final class Made {
    private @Nullable ServerAnswer answer;

    StoredResult keep(ServerAnswer made) {
      answer = made;
      Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
      made.headers().forEach((name, values) -> headers.put(name, values.get(0)));
      String type = headers.remove("Content-Type");
      return new StoredResult(made.status(), type == null ? "" : type, made.body(), headers);
    }
  }
}
