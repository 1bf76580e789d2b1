package io.commslib.grpc;

import io.commslib.core.call.CallStatus;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.idempotency.RequestAttempt;
import io.commslib.core.idempotency.RequestOutcome;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Runs the handler of a keyed method once for each key, and answers repetitions with the stored
 * answer. The scope of a key is the method and the caller, its content is the request.
 *
 * @param <Q> type of the request
 * @param <A> type of the answer
 */
final class KeyedCall<Q, A> {

  /**
   * The keyed call of a handler. An interceptor of the user may keep the context in which a call
   * began, so the transaction, which begins later, is not in the context itself.
   */
  static final Context.Key<KeyedCall<?, ?>> CURRENT = Context.key("commslib-keyed-call");

  private static final String TYPE = "application/grpc+proto";
  private static final String STATUS = "grpc-status";
  private static final String MESSAGE = "grpc-message";

  /** The HTTP status of an answer that is not stored. */
  private static final int NOT_FINAL = 500;

  private final KeyedMethod keyed;
  private final ServedCall<Q, A> call;
  private final String scope;
  private final @Nullable String key;
  private final Duration retryAfter;
  private final Serving serving;
  private @Nullable Q request;
  private volatile @Nullable TransactionContext transaction;

  KeyedCall(
      KeyedMethod keyed, ServedCall<Q, A> call, Serving serving, String caller, Metadata headers) {
    this.keyed = keyed;
    this.call = call;
    this.serving = serving;
    this.scope = call.method() + " " + caller;
    List<String> keys = CallerContext.all(headers, GrpcHeaders.IDEMPOTENCY_KEY);
    // Several values are a list, which is no key. A line end makes it malformed in each form.
    this.key = keys.isEmpty() ? null : String.join("\n", keys);
    this.retryAfter = serving.retryAfter();
  }

  /** The transaction of the handler that runs now, or null. */
  @Nullable TransactionContext transaction() {
    return transaction;
  }

  void request(Q message) {
    request = message;
  }

  /** Runs the handler, or answers in its place. */
  void run(ServedListener.Code handler) throws Exception {
    TransactionRunner transactions = keyed.transactions();
    Made made = new Made();
    RequestOutcome outcome =
        transactions == null
            ? keyed
                .requests()
                .<Exception>withLease(
                    scope, key, fingerprint(), attempt -> made.keep(leased(handler, attempt)))
            : keyed
                .requests()
                .<Exception>inTransaction(
                    transactions, scope, key, fingerprint(), tx -> made.keep(within(tx, handler)));
    finish(outcome, made);
  }

  private String fingerprint() throws IOException {
    Q message = request;
    if (message == null) {
      return IdempotentRequests.fingerprint(new byte[0]);
    }
    try (InputStream bytes = call.getMethodDescriptor().streamRequest(message)) {
      return IdempotentRequests.fingerprint(bytes.readAllBytes());
    }
  }

  private CapturedAnswer<A> within(TransactionContext tx, ServedListener.Code handler)
      throws Exception {
    transaction = tx;
    try {
      CapturedAnswer<A> captured = call.capture();
      handler.run();
      if (!captured.isEnded()) {
        throw new IllegalStateException(
            "answer: none yet (expected: before the handler returns, within its transaction)");
      }
      return captured;
    } finally {
      transaction = null;
      // The handler is done: an interrupt must not keep its effects from the store.
      call.thread().shield();
    }
  }

  /**
   * A handler that answers on a thread of its own continues when its caller has gone. Its key is
   * not released before it has answered: another attempt would have its effects a second time.
   */
  private CapturedAnswer<A> leased(ServedListener.Code handler, RequestAttempt attempt)
      throws Exception {
    long end = serving.runtime().time().nanoTime() + serving.maxTimeout().toNanos();
    CapturedAnswer<A> captured = call.capture();
    try {
      handler.run();
      if (!captured.awaitDespiteInterrupts(end, serving.runtime().time())) {
        attempt.keepLeased();
        // The timer of the call may be a moment later, and this is no failure of the handler.
        call.overran();
        throw new TimeoutException("the handler has not answered in time");
      }
    } finally {
      // The handler is done: an interrupt must not keep its effects from the store.
      call.thread().shield();
    }
    return captured;
  }

  private void finish(RequestOutcome outcome, Made made) {
    switch (outcome.kind()) {
      case MISSING_KEY -> call.fails(ServerProblems.missingKey());
      case MALFORMED_KEY -> call.fails(ServerProblems.malformedKey(outcome.reason()));
      case MISMATCHED -> call.fails(ServerProblems.reusedKey());
      case IN_PROGRESS -> call.fails(ServerProblems.inProgress(advice(outcome.retryAfter())));
      case DONE, NOT_KEPT -> {
        CapturedAnswer<A> own = made.captured;
        if (own != null && !outcome.isRepetition()) {
          call.release(own);
        } else {
          restore(outcome.result());
        }
      }
    }
  }

  /** What is left of a lease is the longest wait, after a crash; most calls end earlier. */
  private Duration advice(Duration wait) {
    Duration positive = wait.isNegative() ? Duration.ZERO : wait;
    return positive.compareTo(retryAfter) > 0 ? retryAfter : positive;
  }

  private void restore(StoredResult result) {
    if (result.isShortened()) {
      call.fails(ServerProblems.notKept());
      return;
    }
    CapturedAnswer<A> stored;
    try {
      stored = stored(result);
    } catch (RuntimeException | Error e) {
      // It was stored for other messages, for example.
      serving.failures().unreadable(e, call.method());
      call.fails(ServerProblems.notKept());
      return;
    }
    call.release(stored);
  }

  private CapturedAnswer<A> stored(StoredResult result) {
    CapturedAnswer<A> stored = new CapturedAnswer<>(true);
    int code = Integer.parseInt(result.headers().getOrDefault(STATUS, "0"));
    if (Status.fromCodeValue(code).getCode().value() != code) {
      throw new IllegalArgumentException("stored status: " + code + " (expected: 0..16)");
    }
    Metadata trailers = new Metadata();
    if (code == 0) {
      stored.message(
          call.getMethodDescriptor().parseResponse(new ByteArrayInputStream(result.body())));
      stored.close(Status.OK, trailers);
    } else {
      if (result.body().length > 0) {
        trailers.put(GrpcHeaders.STATUS_DETAILS, result.body());
      }
      String text = result.headers().get(MESSAGE);
      stored.close(Status.fromCodeValue(code).withDescription(text), trailers);
    }
    return stored;
  }

  /** The answer that the handler has made, whole: what is stored may be shorter. */
  private final class Made {
    private @Nullable CapturedAnswer<A> captured;

    StoredResult keep(CapturedAnswer<A> answer) {
      HandlerFailures.End end =
          serving.failures().closed(answer.status(), answer.trailers(), call.method());
      captured = answer;
      int status =
          isFinal(end.status(), answer)
              ? CallStatus.ofCode(end.status().getCode().value()).toHttp()
              : NOT_FINAL;
      Map<String, String> headers = new TreeMap<>();
      byte[] body;
      if (end.status().isOk()) {
        body = bytes(answer.message());
      } else {
        headers.put(STATUS, Integer.toString(end.status().getCode().value()));
        String text = end.status().getDescription();
        if (text != null) {
          headers.put(MESSAGE, text);
        }
        byte[] details = end.trailers().get(GrpcHeaders.STATUS_DETAILS);
        body = details == null ? new byte[0] : details;
      }
      return new StoredResult(status, TYPE, body, headers);
    }

    /** Whether a repetition may have the same end: its caller had not cancelled, for example. */
    private boolean isFinal(Status status, CapturedAnswer<A> answer) {
      return status.isOk() ? answer.message() != null : status.getCode() != Status.Code.CANCELLED;
    }

    private byte[] bytes(@Nullable A message) {
      if (message == null) {
        return new byte[0];
      }
      MethodDescriptor<Q, A> method = call.getMethodDescriptor();
      try (InputStream stream = method.streamResponse(message)) {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
