package io.commslib.grpc;

import io.commslib.core.call.CallContext;
import io.commslib.core.checks.Checks;
import io.commslib.core.time.TimeSource;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import java.util.Objects;
import java.util.function.Function;

/** Admits the calls of a server and gives them to their handlers. Thread-safe. */
final class ServedCalls implements ServerInterceptor {

  private static final int MAX_CALLER_CHARS = 80;

  private final Serving serving;
  private final Function<Metadata, String> caller;

  ServedCalls(Serving serving, Function<Metadata, String> caller) {
    this.serving = serving;
    this.caller = caller;
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    GrpcProblem refusal = serving.admits(headers);
    if (refusal != null) {
      call.close(refusal.grpcStatus(), refusal.trailers());
      return new ServerCall.Listener<>() {};
    }
    ServedCall<Q, A> served = new ServedCall<>(call, serving);
    try {
      return started(served, headers, next);
    } catch (RuntimeException | Error e) {
      served.thrown(e);
      return new ServerCall.Listener<>() {
        @Override
        public void onCancel() {
          served.left();
        }

        @Override
        public void onComplete() {
          served.left();
        }
      };
    }
  }

  private <Q, A> ServerCall.Listener<Q> started(
      ServedCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    MethodDescriptor<Q, A> method = call.getMethodDescriptor();
    TimeSource time = serving.runtime().time();
    long left = serving.leftNanos(method);
    long deadline = time.nanoTime() + Math.min(left, Long.MAX_VALUE / 4);
    CallContext received =
        left == Long.MAX_VALUE
            ? CallerContext.of(headers)
            : CallerContext.of(headers, deadline, time);
    Context.current().addListener(ended -> cancelled(call, ended), Runnable::run);
    if (left == serving.maxTimeout().toNanos()) {
      call.endsAfter(serving.maxTimeout());
    }
    Context known = CallerPeer.in(Context.current(), call);
    KeyedMethod keyed = serving.keyed(method);
    KeyedCall<Q, A> keyedCall =
        keyed == null
            ? null
            : new KeyedCall<>(keyed, call, serving, caller(known, headers), headers);
    Context context =
        known.withValues(GrpcContexts.RECEIVED, received, KeyedCall.CURRENT, keyedCall);
    Context before = context.attach();
    CallContext outer = received.attach();
    try {
      return new ServedListener<>(
          call, next.startCall(call, headers), context, received, keyedCall);
    } finally {
      outer.restore();
      context.detach(before);
    }
  }

  private String caller(Context known, Metadata headers) {
    Context before = known.attach();
    try {
      String name = Objects.requireNonNull(caller.apply(headers), "caller");
      return Checks.printable("caller", name, MAX_CALLER_CHARS);
    } finally {
      known.detach(before);
    }
  }

  /** Without a cause the call has its answer, and its handler may still have something to do. */
  private static void cancelled(ServedCall<?, ?> call, Context ended) {
    if (ended.cancellationCause() != null) {
      call.thread().stop();
    }
    call.gone();
  }
}
