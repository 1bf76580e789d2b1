package io.commslib.grpc;

import io.commslib.core.call.CallContext;
import io.grpc.Context;
import io.grpc.ServerCall;
import org.jspecify.annotations.Nullable;

/**
 * Passes the events of a call to its handler: under the context of the caller, on a thread that a
 * cancelled call interrupts, and never after the end of the call.
 *
 * @param <Q> type of the requests
 * @param <A> type of the answers
 */
final class ServedListener<Q, A> extends ServerCall.Listener<Q> {

  private final ServedCall<Q, A> call;
  private final ServerCall.Listener<Q> handler;
  private final Context context;
  private final CallContext caller;
  private final @Nullable KeyedCall<Q, A> keyed;
  private final boolean hasOneRequest;

  ServedListener(
      ServedCall<Q, A> call,
      ServerCall.Listener<Q> handler,
      Context context,
      CallContext caller,
      @Nullable KeyedCall<Q, A> keyed) {
    this.call = call;
    this.handler = handler;
    this.context = context;
    this.caller = caller;
    this.keyed = keyed;
    this.hasOneRequest = call.getMethodDescriptor().getType().clientSendsOneMessage();
  }

  @Override
  public void onMessage(Q message) {
    Throwable error = RequestParsing.error(message);
    if (error != null) {
      call.thrown(error);
      return;
    }
    GrpcProblem problem = RequestParsing.problem(message);
    if (problem != null) {
      call.fails(problem);
      return;
    }
    if (keyed != null) {
      keyed.request(message);
    }
    run(() -> handler.onMessage(message));
  }

  @Override
  public void onHalfClose() {
    if (call.isOver()) {
      return;
    }
    if (caller.remainingNanos(1) <= 0) {
      call.fails(ServerProblems.expired());
      return;
    }
    // A stream of requests may last for long; only its number is bounded.
    GrpcProblem refusal = hasOneRequest ? admission() : null;
    if (refusal != null) {
      call.fails(refusal);
      return;
    }
    run(
        () -> {
          if (keyed == null) {
            handler.onHalfClose();
          } else {
            keyed.run(handler::onHalfClose);
          }
        });
  }

  private @Nullable GrpcProblem admission() {
    try {
      return call.admitHandler(caller);
    } catch (Throwable e) {
      call.thrown(e);
      return ServerProblems.handlerFailed();
    }
  }

  @Override
  public void onCancel() {
    call.left();
    ends(handler::onCancel);
  }

  @Override
  public void onComplete() {
    call.left();
    ends(handler::onComplete);
  }

  @Override
  public void onReady() {
    run(handler::onReady);
  }

  /** Code of a handler, which may throw what it likes. */
  interface Code {
    void run() throws Exception;
  }

  private void run(Code code) {
    if (call.isOver() || !call.thread().enter()) {
      return;
    }
    Throwable failure = null;
    Context before = context.attach();
    CallContext outer = caller.attach();
    try {
      code.run();
    } catch (Throwable e) {
      failure = e;
    } finally {
      outer.restore();
      context.detach(before);
      call.thread().exit();
      call.leaveIfGone();
    }
    if (failure != null) {
      // Never further: an error in a task of gRPC ends the later events of the call, its end too.
      call.thrown(failure);
    }
  }

  /** The call is over: the handler learns of it, and nothing interrupts it any longer. */
  private void ends(Runnable code) {
    Context before = context.attach();
    CallContext outer = caller.attach();
    try {
      code.run();
    } catch (Throwable e) {
      call.failedAfterEnd(e);
    } finally {
      outer.restore();
      context.detach(before);
    }
  }
}
