package io.commslib.grpc;

import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Ends the calls of gRPC's own services when a server drains. Those who watch its health do so
 * until the server ends, which would wait for them. Thread-safe.
 */
final class DrainedStreams implements ServerInterceptor {

  private static final Status DRAINING =
      Status.UNAVAILABLE.withDescription("the server is draining");

  private final Set<Watch<?, ?>> open = ConcurrentHashMap.newKeySet();
  private volatile boolean isEnding;

  /** Ends the calls in flight, and each one that begins later. */
  void end() {
    isEnding = true;
    List.copyOf(open).forEach(Watch::end);
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    Watch<Q, A> watch = new Watch<>(call);
    open.add(watch);
    ServerCall.Listener<Q> listener;
    try {
      listener = next.startCall(watch, headers);
    } catch (RuntimeException | Error e) {
      open.remove(watch);
      throw e;
    }
    if (isEnding) {
      watch.end();
    }
    return new SimpleForwardingServerCallListener<>(listener) {
      @Override
      public void onCancel() {
        open.remove(watch);
        super.onCancel();
      }

      @Override
      public void onComplete() {
        open.remove(watch);
        super.onComplete();
      }
    };
  }

  /** A call that two threads may end: its service and the drain. */
  private static final class Watch<Q, A> extends SimpleForwardingServerCall<Q, A> {
    private boolean isEnded;

    Watch(ServerCall<Q, A> call) {
      super(call);
    }

    void end() {
      close(DRAINING, new Metadata());
    }

    @Override
    public synchronized void sendHeaders(Metadata headers) {
      if (!isEnded) {
        super.sendHeaders(headers);
      }
    }

    @Override
    public synchronized void sendMessage(A message) {
      if (!isEnded) {
        super.sendMessage(message);
      }
    }

    @Override
    public synchronized void close(Status status, Metadata trailers) {
      if (!isEnded) {
        isEnded = true;
        super.close(status, trailers);
      }
    }
  }
}
