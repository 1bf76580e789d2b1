package io.commslib.grpc;

import io.commslib.core.SendCertainty;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One attempt of a call: a call of the channel, whose answer completes a stage. A single answer is
 * complete at its end, a stream with its first message; from then on the rest of it passes through.
 *
 * @param <Q> type of the requests
 * @param <A> type of the answers
 */
final class ClientAttempt<Q, A> extends ClientCall.Listener<A> {

  private static final Logger log = LoggerFactory.getLogger(GrpcCalls.class);

  private final ProtectedCall<Q, A> owner;
  private final SendTracer tracer;
  private final Stage stage = new Stage();
  private volatile @Nullable ClientCall<Q, A> call;
  private volatile @Nullable Thread callbackThread;
  private @Nullable Metadata headers;
  private @Nullable A first;
  private boolean hasPassedOn;

  /** Its cancellation ends the call on the wire, and frees what the attempt holds at once. */
  private final class Stage extends CompletableFuture<AttemptReply<A>> {
    @Override
    public boolean cancel(boolean mayInterrupt) {
      cancelCall("the attempt was cancelled", null);
      return super.cancel(mayInterrupt);
    }
  }

  ClientAttempt(
      ProtectedCall<Q, A> owner,
      GrpcRetries retries,
      @Nullable Backend backend,
      @Nullable String subset) {
    this.owner = owner;
    this.tracer = new SendTracer(retries, this, backend, subset);
  }

  SendTracer tracer() {
    return tracer;
  }

  CompletableFuture<AttemptReply<A>> stage() {
    return stage;
  }

  void begins(ClientCall<Q, A> made) {
    call = made;
    if (stage.isDone()) {
      cancelCall("the attempt was cancelled", null);
    }
  }

  /** The call of the channel; null before it is made. */
  @Nullable ClientCall<Q, A> call() {
    return call;
  }

  void cancelCall(@Nullable String reason, @Nullable Throwable cause) {
    ClientCall<Q, A> made = call;
    if (made == null) {
      return;
    }
    try {
      made.cancel(reason == null && cause == null ? "cancelled" : reason, cause);
    } catch (Throwable e) {
      // An interceptor's: the attempt ends all the same, and its stream by its deadline.
      log.error("a call could not be cancelled", e);
    }
  }

  /** The end of a call whose caller has thrown. */
  Status callbackFailed(Throwable failure) {
    return owner.callbackFailed(failure);
  }

  /** Whether this thread is one on which gRPC runs the callbacks of the attempt. */
  boolean isInCallback() {
    return callbackThread == Thread.currentThread();
  }

  @Override
  public void onHeaders(Metadata received) {
    headers = received;
  }

  @Override
  public void onMessage(A message) {
    if (hasPassedOn) {
      owner.message(this, message);
      return;
    }
    if (!owner.isStreamed()) {
      if (first != null) {
        ends(
            new AttemptEnd(
                Status.INTERNAL.withDescription("more than one answer of a unary call"),
                new Metadata(),
                SendCertainty.MAYBE_SENT));
        cancelCall("more than one answer", null);
        return;
      }
      first = message;
      return;
    }
    hasPassedOn = true;
    completes(new AttemptReply<>(this, headers, message, null));
  }

  @Override
  public void onReady() {
    owner.ready(this);
  }

  @Override
  public void onClose(Status status, Metadata trailers) {
    SendCertainty certainty =
        tracer.isAnswered()
            ? SendCertainty.ANSWERED
            : tracer.hasLeft() ? SendCertainty.MAYBE_SENT : SendCertainty.NOT_SENT;
    AttemptEnd end =
        certainty == SendCertainty.ANSWERED && status.getCause() == null
            ? new AttemptEnd(status, trailers, certainty)
            : unanswered(status, trailers, certainty);
    if (hasPassedOn) {
      owner.closed(this, end);
    } else {
      ends(end);
    }
  }

  private AttemptEnd unanswered(Status status, Metadata trailers, SendCertainty certainty) {
    boolean isCancelled = status.getCode() == Status.Code.CANCELLED && !owner.isCancelled();
    boolean isTooLarge = status.getCode() == Status.Code.RESOURCE_EXHAUSTED && tracer.isAnswering();
    boolean isFailed = isCancelled && status.getCause() != null;
    // gRPC cancels a call whose answer can't be parsed, with the reason as the cause.
    if (isTooLarge || (isFailed && tracer.isAnswering())) {
      return new AttemptEnd(GrpcErrors.unusableAnswer(status), trailers, SendCertainty.ANSWERED);
    }
    // And one whose request can't be written.
    if (isFailed) {
      return new AttemptEnd(status, trailers, certainty);
    }
    // A reset that this side has not asked for: the server has dropped the call.
    Status known =
        isCancelled ? Status.UNAVAILABLE.withDescription(status.getDescription()) : status;
    return new AttemptEnd(known, trailers, certainty);
  }

  private void ends(AttemptEnd end) {
    owner.seen(end);
    if (tracer.isForeign()) {
      fails(GrpcErrors.foreignRetries());
    } else if (end.certainty() == SendCertainty.ANSWERED) {
      completes(new AttemptReply<>(this, headers, first, end));
    } else {
      fails(new AttemptFailure(end));
    }
  }

  private void completes(AttemptReply<A> reply) {
    callbackThread = Thread.currentThread();
    try {
      stage.complete(reply);
    } finally {
      callbackThread = null;
    }
  }

  private void fails(Throwable failure) {
    callbackThread = Thread.currentThread();
    try {
      stage.completeExceptionally(failure);
    } finally {
      callbackThread = null;
    }
  }
}
