package io.commslib.grpc;

import io.commslib.core.call.CallContext;
import io.grpc.Context;
import java.util.Objects;
import java.util.concurrent.Executor;

/**
 * Joins the {@link CallContext} of this library with gRPC's {@link Context}. A server attaches both
 * around a handler, and a protected channel takes the earlier deadline of both.
 */
public final class GrpcContexts {

  /** What a server has received, for code that passes on gRPC's context only. */
  static final Context.Key<CallContext> RECEIVED = Context.key("commslib-call-context");

  private GrpcContexts() {}

  /**
   * Returns the current context of this thread: that of {@link CallContext#current()}, or the one
   * that gRPC's current context has received if that is the empty one.
   *
   * @return the context
   */
  static CallContext current() {
    CallContext attached = CallContext.current();
    if (attached != CallContext.empty()) {
      return attached;
    }
    CallContext received = RECEIVED.get();
    return received == null ? attached : received;
  }

  /**
   * Returns an executor whose tasks run under both contexts of the thread that submits them:
   * deadline, trace and cancellation survive the change of threads. Either wrapper alone, {@link
   * CallContext#wrap(Executor)} or gRPC's own, keeps the deadline too.
   *
   * @param executor runs the tasks
   * @return the executor
   */
  public static Executor wrap(Executor executor) {
    Objects.requireNonNull(executor, "executor");
    return task -> {
      Runnable within = current().wrap(task);
      executor.execute(Context.current().wrap(within));
    };
  }
}
