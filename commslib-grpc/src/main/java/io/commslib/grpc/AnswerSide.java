package io.commslib.grpc;

import io.commslib.core.time.ScheduledTask;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the caller receives: one answer as a whole, or a stream from its first message on. Only that
 * first message is ever kept for a caller that has not asked for it.
 *
 * @param <A> type of the answers
 */
final class AnswerSide<A> {

  private static final Logger log = LoggerFactory.getLogger(GrpcCalls.class);

  private final CallbackLane lane = new CallbackLane();
  private ClientCall.@Nullable Listener<A> listener;
  private volatile @Nullable ClientAttempt<?, A> source;

  /** Guarded by this. */
  private long requested;

  private @Nullable Runnable held;

  /** Ends the call if no demand for the held answer comes in its time; guarded by this. */
  private @Nullable ScheduledTask expiry;

  /** The ends of attempts that ended before one of them was chosen; guarded by this. */
  private @Nullable Map<ClientAttempt<?, A>, Runnable> ends;

  private boolean isClosed;

  void begin(ClientCall.Listener<A> to) {
    if (listener != null) {
      throw new IllegalStateException("the call was started before");
    }
    listener = to;
  }

  private ClientCall.Listener<A> listener() {
    ClientCall.Listener<A> to = listener;
    if (to == null) {
      throw new IllegalStateException("the call was not started");
    }
    return to;
  }

  /** The attempt whose stream the caller receives, or null before its first message. */
  @Nullable ClientAttempt<?, A> source() {
    return source;
  }

  /** Records a demand; returns the attempt that it is to be passed to, if any. */
  @Nullable ClientAttempt<?, A> requested(int count) {
    Runnable ready;
    ClientAttempt<?, A> from;
    synchronized (this) {
      ready = requested == 0 ? held : null;
      if (ready != null) {
        takeHeld();
      }
      requested += count;
      // The first message was requested by the attempt itself.
      from = source;
    }
    if (ready == null) {
      return from;
    }
    lane.run(ready);
    if (from != null && count > 1) {
      ClientCall<?, A> call = from.call();
      if (call != null) {
        call.request(count - 1);
      }
    }
    return null;
  }

  /** Runs what has a message once there is demand for it. */
  private void onDemand(Runnable callbacks) {
    synchronized (this) {
      if (requested == 0) {
        held = callbacks;
        return;
      }
    }
    lane.run(callbacks);
  }

  /** Delivers an answer that has an end. */
  void whole(AttemptReply<A> reply) {
    AttemptEnd end = reply.end();
    if (end == null) {
      throw new IllegalStateException("an answer without an end");
    }
    Runnable callbacks =
        () -> {
          if (begins(reply)) {
            end(end.status(), end.trailers());
          }
        };
    if (reply.message() == null) {
      lane.run(callbacks);
    } else {
      onDemand(callbacks);
    }
  }

  /** Delivers the first message of a stream, whose rest follows. */
  void follow(AttemptReply<A> reply) {
    long more;
    Runnable begin;
    synchronized (this) {
      source = reply.attempt();
      Runnable end = ends == null ? null : ends.get(reply.attempt());
      ends = null;
      begin = end == null ? () -> begins(reply) : after(() -> begins(reply), end);
      more = requested - 1;
      if (more < 0) {
        held = begin;
        return;
      }
    }
    lane.run(begin);
    ClientCall<?, A> call = reply.attempt().call();
    if (more > 0 && call != null) {
      call.request((int) Math.min(Integer.MAX_VALUE, more));
    }
  }

  private boolean begins(AttemptReply<A> reply) {
    Metadata headers = reply.headers();
    A message = reply.message();
    if (isClosed) {
      return false;
    }
    try {
      if (headers != null) {
        listener().onHeaders(headers);
      }
      if (message != null) {
        listener().onMessage(message);
      }
      return true;
    } catch (Throwable e) {
      failed(reply.attempt(), e);
      return false;
    }
  }

  void message(ClientAttempt<?, A> from, A message) {
    if (source != from) {
      return;
    }
    lane.run(() -> guarded(from, () -> listener().onMessage(message)));
  }

  void ready(ClientAttempt<?, A> from) {
    lane.run(() -> guarded(from, () -> listener().onReady()));
  }

  /**
   * Ends the call with a stream, if that is the one which the caller gets. Attempts that have lost
   * end without notice. Before the choice an end waits for it.
   *
   * @param waits whether it comes after a first message that waits for a demand
   */
  void close(ClientAttempt<?, A> from, boolean waits, Runnable end) {
    synchronized (this) {
      ClientAttempt<?, A> chosen = source;
      if (chosen == null) {
        ends = ends == null ? new IdentityHashMap<>(2) : ends;
        ends.put(from, end);
        return;
      }
      if (chosen != from) {
        return;
      }
      Runnable first = held;
      if (first != null && waits) {
        held = after(first, end);
        return;
      }
      takeHeld();
    }
    lane.run(end);
  }

  /** Schedules the end of the call for the case that its held answer is not asked for. */
  void expires(Function<Runnable, ScheduledTask> schedule, Supplier<Status> status) {
    synchronized (this) {
      if (held != null) {
        expiry = schedule.apply(() -> closeHeld(status.get()));
      }
    }
  }

  /** Ends the call if an answer waits for a demand that does not come. */
  void closeHeld(Status status) {
    synchronized (this) {
      if (held == null) {
        return;
      }
      takeHeld();
    }
    close(status, new Metadata());
  }

  /** Lock held. */
  private void takeHeld() {
    held = null;
    if (expiry != null) {
      expiry.cancel();
      expiry = null;
    }
  }

  private static Runnable after(Runnable first, Runnable second) {
    return () -> {
      first.run();
      second.run();
    };
  }

  void close(Status status, Metadata trailers) {
    lane.run(() -> end(status, trailers));
  }

  /** Runs callbacks of the caller; one that fails ends the call, as gRPC does it. */
  private void guarded(ClientAttempt<?, A> from, Runnable callbacks) {
    if (isClosed) {
      return;
    }
    try {
      callbacks.run();
    } catch (Throwable e) {
      failed(from, e);
    }
  }

  private void failed(ClientAttempt<?, A> from, Throwable failure) {
    Status status = from.callbackFailed(failure);
    from.cancelCall("a callback of the caller failed", failure);
    end(status, new Metadata());
  }

  /** Ends the call, within the lane of its callbacks. */
  void end(Status status, Metadata trailers) {
    if (isClosed) {
      return;
    }
    isClosed = true;
    try {
      listener().onClose(status, trailers);
    } catch (Throwable e) {
      // Its call has ended, so its threads and the next call must not notice.
      log.error("the callback for the end of a call failed", e);
    }
  }
}
