package io.commslib.grpc;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.AttemptStage;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallTarget;
import io.commslib.resilience.GuardedOperation;
import io.grpc.Attributes;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One call of a stub, made by the engine in attempts. A call with one request starts when the
 * request is whole, so that each attempt can send it again; a call with a stream of requests has
 * one attempt, which starts at once. Callbacks never overlap.
 *
 * @param <Q> type of the requests
 * @param <A> type of the answers
 */
final class ProtectedCall<Q, A> extends ClientCall<Q, A> implements AttemptStage<AttemptReply<A>> {

  private final ProtectedCalls calls;
  private final MethodDescriptor<Q, A> method;
  private final CallOptions options;
  private final Channel next;
  private final Context context = Context.current();
  private final RequestSide<Q> requests;
  private final AnswerSide<A> answers;
  private @Nullable Metadata headers;

  /** With the earliest of the caller's deadlines. */
  private volatile CallContext caller = CallContext.empty();

  private volatile @Nullable CompletableFuture<AttemptReply<A>> result;
  private volatile @Nullable AttemptEnd last;
  private volatile @Nullable CallTarget target;
  private volatile int attempts;
  private volatile @Nullable ClientAttempt<Q, A> current;
  private volatile @Nullable Status cancelled;
  private volatile Context.@Nullable CancellationListener onCancel;

  ProtectedCall(
      ProtectedCalls calls, MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    this.calls = calls;
    this.method = method;
    this.options = options;
    this.next = next;
    this.requests = new RequestSide<>(method.getType().clientSendsOneMessage());
    this.answers = new AnswerSide<>();
  }

  boolean isStreamed() {
    return !method.getType().serverSendsOneMessage();
  }

  @Override
  public void start(Listener<A> listener, Metadata own) {
    if (cancelled != null) {
      throw new IllegalStateException("the call was cancelled before it was started");
    }
    answers.begin(listener);
    headers = own;
    if (!requests.isSingle()) {
      launch();
    }
  }

  @Override
  public void request(int count) {
    ClientAttempt<?, A> source = answers.requested(count);
    ClientCall<?, A> call = source == null ? null : source.call();
    if (call != null) {
      call.request(count);
    }
  }

  @Override
  public void sendMessage(Q message) {
    requests.send(message);
  }

  @Override
  public void halfClose() {
    requests.end();
    if (requests.isSingle()) {
      launch();
    }
  }

  @Override
  public boolean isReady() {
    return requests.isReady();
  }

  @Override
  public void setMessageCompression(boolean enabled) {
    requests.compress(enabled);
  }

  /** {@return those of the connection of the last attempt, empty before it} */
  @Override
  public Attributes getAttributes() {
    ClientAttempt<Q, A> last = current;
    ClientCall<Q, A> call = last == null ? null : last.call();
    return call == null ? Attributes.EMPTY : call.getAttributes();
  }

  @Override
  public void cancel(@Nullable String message, @Nullable Throwable cause) {
    cancelled(message == null ? "the call was cancelled" : message, cause);
  }

  private void cancelled(String reason, @Nullable Throwable cause) {
    Status status = Status.CANCELLED.withDescription(reason);
    CallTarget known = target;
    if (known != null) {
      status =
          status.withCause(GrpcErrors.cancelled("the call was cancelled", known, attempts, cause));
    } else if (cause != null) {
      status = status.withCause(cause);
    }
    cancel(status);
  }

  private void cancel(Status status) {
    cancelled = status;
    ClientAttempt<?, A> source = answers.source();
    if (source != null) {
      source.cancelCall(status.getDescription(), status.getCause());
      deliver(() -> answers.closeHeld(status));
      return;
    }
    CompletableFuture<AttemptReply<A>> running = result;
    if (running != null) {
      // Frees what the attempt holds before its caller continues; the engine ends hedges.
      ClientAttempt<Q, A> last = current;
      if (last != null) {
        last.stage().cancel(true);
      }
      running.cancel(true);
      deliver(() -> answers.closeHeld(status));
    } else if (headers != null) {
      deliver(() -> answers.close(status, new Metadata()));
    }
  }

  /** Whether the caller has cancelled the call. */
  boolean isCancelled() {
    return cancelled != null || context.isCancelled();
  }

  private void launch() {
    if (cancelled != null) {
      return;
    }
    CompletableFuture<AttemptReply<A>> made;
    try {
      GuardedOperation operation = calls.operation(method, options, headers());
      target = operation.target();
      caller = calls.context(options.getDeadline());
      CallContext before = caller.attach();
      try {
        made = operation.callAsync(GrpcOutcomes.INSTANCE, this);
      } finally {
        before.restore();
      }
    } catch (Throwable e) {
      // Without an end the caller would wait forever.
      made = CompletableFuture.failedFuture(e);
    }
    result = made;
    Status early = cancelled;
    if (early != null) {
      made.cancel(true);
    } else if (!made.isDone()) {
      watchContext();
    }
    CompletionStage<AttemptReply<A>> unused = made.whenComplete(this::ended);
  }

  private Metadata headers() {
    Metadata own = headers;
    if (own == null) {
      throw new IllegalStateException("the call was not started");
    }
    return own;
  }

  /** A cancel of the caller's context also ends a wait between two attempts. */
  private void watchContext() {
    if (context == Context.ROOT) {
      return;
    }
    Context.CancellationListener listener =
        ended -> {
          // After its deadline the engine knows better what is known.
          if (ended.cancellationCause() instanceof TimeoutException) {
            return;
          }
          cancelled("the caller's context was cancelled", ended.cancellationCause());
        };
    onCancel = listener;
    context.addListener(listener, Runnable::run);
  }

  private void unwatchContext() {
    Context.CancellationListener listener = onCancel;
    if (listener != null) {
      context.removeListener(listener);
    }
  }

  /** Starts an attempt, on the caller's thread or one of the engine. */
  @Override
  public CompletionStage<AttemptReply<A>> start(CallContext attempt) {
    calls.refuseForeignRetries();
    attempts = attempt.attempt();
    Backend backend = attempt.endpoint(Backend.class).orElse(null);
    String subset = attempt.subset().orElse(null);
    ClientAttempt<Q, A> made = new ClientAttempt<>(this, calls.retries(), backend, subset);
    current = made;
    long left = calls.attemptNanos(attempt, caller, isStreamed() || !requests.isSingle());
    Deadline end = Deadline.after(left, TimeUnit.NANOSECONDS);
    Deadline ofCaller = options.getDeadline();
    CallOptions own =
        options
            .withStreamTracerFactory(made.tracer())
            .withDeadline(ofCaller == null ? end : end.minimum(ofCaller));
    Context before = context.attach();
    try {
      ClientCall<Q, A> call = next.newCall(method, own);
      made.begins(call);
      call.start(made, ContextMetadata.of(headers(), attempt));
      boolean isReadyEarly = requests.begin(call);
      call.request(method.getType().serverSendsOneMessage() ? 2 : 1);
      if (isReadyEarly) {
        deliver(() -> answers.ready(made));
      }
    } catch (RuntimeException | Error e) {
      made.cancelCall("the attempt could not be started", e);
      throw e;
    } finally {
      context.detach(before);
    }
    return made.stage();
  }

  /** An attempt has ended; the last end of all is what the caller should see. */
  void seen(AttemptEnd end) {
    last = end;
  }

  void ready(ClientAttempt<Q, A> source) {
    if (!requests.isSingle() && requests.takesReady()) {
      answers.ready(source);
    }
  }

  /** The end of the call after a callback of its caller has thrown. */
  Status callbackFailed(Throwable failure) {
    CallException cancelled =
        GrpcErrors.cancelled("a callback of the caller failed", target(), attempts, failure);
    return Status.CANCELLED.withDescription(cancelled.getMessage()).withCause(cancelled);
  }

  private CallTarget target() {
    CallTarget known = target;
    return known == null ? calls.target() : known;
  }

  /** A further message of the attempt whose first one the caller has. */
  void message(ClientAttempt<Q, A> source, A message) {
    answers.message(source, message);
  }

  /**
   * The end of a stream whose first message the attempt has passed on. It is the end of the call if
   * the caller gets this stream, and not that of another attempt.
   */
  void closed(ClientAttempt<Q, A> from, AttemptEnd end) {
    // What this side ends, or a lost connection, does not wait for a demand of the caller.
    boolean waits = end.certainty() == SendCertainty.ANSWERED;
    answers.close(
        from,
        waits,
        () -> {
          unwatchContext();
          Status ended = cancelled;
          Status status = ended != null && !end.status().isOk() ? ended : end.status();
          answers.end(status, end.trailers());
        });
  }

  private void ended(@Nullable AttemptReply<A> reply, @Nullable Throwable failure) {
    try {
      delivered(reply, failure);
    } catch (Throwable e) {
      // Without memory, for example: the caller must have an end all the same.
      answers.close(
          GrpcErrors.end(e, null, target(), attempts).status().withCause(e), new Metadata());
    }
  }

  private void delivered(@Nullable AttemptReply<A> reply, @Nullable Throwable failure) {
    if (reply != null && reply.end() == null) {
      if (reply.attempt().isInCallback()) {
        follow(reply);
      } else {
        deliver(() -> follow(reply));
      }
      return;
    }
    unwatchContext();
    if (reply != null) {
      if (reply.attempt().isInCallback()) {
        whole(reply);
      } else {
        deliver(() -> whole(reply));
      }
      return;
    }
    Status status = cancelled;
    AttemptEnd end =
        status != null
            ? new AttemptEnd(status, new Metadata(), SendCertainty.MAYBE_SENT)
            : GrpcErrors.end(
                failure == null ? new IllegalStateException() : failure, last, target(), attempts);
    requests.stop();
    deliver(() -> answers.close(end.status(), end.trailers()));
  }

  private void follow(AttemptReply<A> reply) {
    answers.follow(reply);
    Status early = cancelled;
    if (early != null) {
      reply.attempt().cancelCall("cancelled", null);
      answers.closeHeld(early);
    }
  }

  /** Without a demand the answer waits for one, until the deadline of the caller. */
  private void whole(AttemptReply<A> reply) {
    answers.whole(reply);
    long left = caller.remainingNanos(Long.MAX_VALUE);
    if (reply.message() != null && left != Long.MAX_VALUE) {
      answers.expires(
          end -> calls.after(left, () -> deliver(end)),
          () -> GrpcErrors.notAskedFor(target(), attempts));
    }
    // A cancel of before has found no held answer to end.
    Status early = cancelled;
    if (early != null) {
      answers.closeHeld(early);
    }
  }

  /** Runs callbacks where the caller has asked for them, within its context as gRPC does. */
  private void deliver(Runnable plain) {
    Runnable callbacks = context == Context.ROOT ? plain : context.wrap(plain);
    Executor executor = options.getExecutor();
    if (executor != null) {
      try {
        executor.execute(callbacks);
        return;
      } catch (Throwable e) {
        // It is full or shut down; the call must end all the same.
        Thread.onSpinWait();
      }
    }
    calls.execute(callbacks);
  }
}
