package io.commslib.grpc;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallStatus;
import io.commslib.core.time.ScheduledTask;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A call that a handler answers. Its end passes through here once, translated, and may come from
 * the handler on any thread, from the time or from a failure. While an answer is captured, nothing
 * is sent.
 *
 * @param <Q> type of the requests
 * @param <A> type of the answers
 */
final class ServedCall<Q, A> extends SimpleForwardingServerCall<Q, A> {

  private final Serving serving;
  private final HandlerThread thread = new HandlerThread();
  private final Object lock = new Object();
  private final boolean hasOneAnswer;
  private volatile boolean isGone;

  /** Guarded by the lock. */
  private boolean isClosed;

  private boolean hasAnswered;
  private boolean hasLeft;
  private boolean hasOverrun;
  private @Nullable CapturedAnswer<A> captured;
  private HandlerPermit permit = HandlerPermit.FREE;
  private @Nullable ScheduledTask timer;

  ServedCall(ServerCall<Q, A> call, Serving serving) {
    super(call);
    this.serving = serving;
    this.hasOneAnswer = call.getMethodDescriptor().getType().serverSendsOneMessage();
  }

  HandlerThread thread() {
    return thread;
  }

  String method() {
    return getMethodDescriptor().getFullMethodName();
  }

  /** Ends the call after a time, for callers that state none. */
  void endsAfter(Duration time) {
    ScheduledTask made = serving.runtime().scheduler().schedule(time, this::overran);
    synchronized (lock) {
      timer = made;
      if (isClosed) {
        made.cancel();
      }
    }
  }

  /** Ends a call whose time is over, by its timer or by the wait for its answer, once. */
  void overran() {
    synchronized (lock) {
      if (hasOverrun) {
        return;
      }
      hasOverrun = true;
    }
    serving.overran();
    fails(ServerProblems.overran());
    thread.stop();
  }

  /** Asks for the run of the handler; returns why it is refused, or null. */
  @Nullable GrpcProblem admitHandler(CallContext caller) {
    HandlerPermit asked = serving.permit(caller);
    if (asked == HandlerPermit.REFUSED) {
      return serving.refusedByLimiter(caller);
    }
    synchronized (lock) {
      permit = asked;
    }
    return null;
  }

  /** From now on the answer is kept instead of sent. */
  CapturedAnswer<A> capture() {
    CapturedAnswer<A> capture = new CapturedAnswer<>(hasOneAnswer);
    synchronized (lock) {
      captured = capture;
    }
    return capture;
  }

  /** Sends what a captured call has answered. */
  void release(CapturedAnswer<A> answer) {
    synchronized (lock) {
      captured = null;
    }
    answer.sendTo(this);
  }

  @Override
  public void sendHeaders(Metadata headers) {
    synchronized (lock) {
      if (captured != null) {
        captured.headers(headers);
      } else if (!isClosed) {
        super.sendHeaders(headers);
      }
    }
  }

  @Override
  public void sendMessage(A message) {
    Throwable unwritable = null;
    synchronized (lock) {
      if (captured != null) {
        captured.message(message);
        return;
      }
      if (isClosed) {
        return;
      }
      if (!hasOneAnswer || !hasAnswered) {
        hasAnswered = true;
        try {
          AnswerMarshaller.write(getMethodDescriptor(), message);
        } catch (Throwable e) {
          unwritable = e;
        }
        if (unwritable == null) {
          super.sendMessage(message);
          return;
        }
      }
    }
    if (unwritable == null) {
      fails(serving.failures().answeredTwice(method()));
    } else {
      thrown(unwritable);
    }
  }

  @Override
  public void close(Status status, Metadata trailers) {
    synchronized (lock) {
      if (captured != null) {
        captured.close(status, trailers);
        return;
      }
    }
    end(serving.failures().closed(status, trailers, method()));
  }

  /** Ends the call with what its handler has thrown. */
  void thrown(Throwable failure) {
    synchronized (lock) {
      captured = null;
      if (isClosed) {
        return;
      }
    }
    // A cancelled call has no caller to answer, and its interrupt is no failure of the handler.
    if (!thread.isStopped()) {
      end(serving.failures().thrown(failure, method()));
    }
  }

  /** The handler has thrown when it learnt of the end, which changes nothing for the caller. */
  void failedAfterEnd(Throwable failure) {
    serving.failures().afterEnd(failure, method());
  }

  void fails(GrpcProblem problem) {
    synchronized (lock) {
      captured = null;
    }
    end(HandlerFailures.End.of(problem));
  }

  private void end(HandlerFailures.End end) {
    synchronized (lock) {
      if (isClosed) {
        return;
      }
      isClosed = true;
      Status status = end.status();
      // The cause stays here: a transport within the process would pass it on.
      super.close(status.withCause(null), end.trailers());
    }
    ends(CallStatus.ofCode(end.status().getCode().value()));
  }

  /** The call has left, with an answer or without one. */
  void left() {
    synchronized (lock) {
      if (hasLeft) {
        return;
      }
      hasLeft = true;
    }
    serving.leaves();
    ends(null);
  }

  /**
   * gRPC has ended the call, also if an interceptor around the library's has lost the listener that
   * says so. A handler that still runs keeps the place of its call.
   */
  void gone() {
    isGone = true;
    leaveIfGone();
  }

  /** To be called after code of the handler. */
  void leaveIfGone() {
    if (isGone && !thread.isRunning()) {
      left();
    }
  }

  private void ends(@Nullable CallStatus status) {
    HandlerPermit held;
    ScheduledTask running;
    synchronized (lock) {
      isClosed = true;
      held = permit;
      running = timer;
    }
    if (running != null) {
      running.cancel();
    }
    serving.ends(held, status, method());
  }

  boolean isOver() {
    synchronized (lock) {
      return isClosed;
    }
  }
}
