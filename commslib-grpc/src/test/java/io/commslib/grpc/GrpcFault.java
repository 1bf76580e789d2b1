package io.commslib.grpc;

import io.commslib.core.SendCertainty;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientStreamTracer;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Changes what an attempt sends and what the library learns of its end. The events of the stream
 * are kept from the library's tracer and told at the end, as the changed end would have them.
 */
class GrpcFault {

  private static final Status.Code TOO_LARGE = Status.Code.RESOURCE_EXHAUSTED;

  /** Changes how the attempt is made; the tracer of the library is put back afterwards. */
  CallOptions options(CallOptions options) {
    return options;
  }

  /** Changes the metadata of an attempt. */
  void head(Metadata headers, int attempt) {}

  /** Changes the content of the request. */
  byte[] request(byte[] body, int attempt) {
    return body;
  }

  /** Changes the content of the answer. */
  byte[] answer(byte[] body) {
    return body;
  }

  /** Changes the end; the content that an end has got replaces that of the answer. */
  End end(End end) {
    return end;
  }

  End end(Attempt<?, ?> attempt, End end) {
    return end(end);
  }

  /** Whether an attempt fails before it is sent. */
  boolean isBroken() {
    return false;
  }

  /** The caller no longer waits for the attempt. */
  void cancelled(Attempt<?, ?> attempt) {}

  /** How an attempt ends; with content only if a fault has made it up. */
  record End(Status status, Metadata trailers, SendCertainty certainty, byte @Nullable [] content) {

    boolean isOk() {
      return status.isOk();
    }

    boolean isAnswered() {
      return certainty == SendCertainty.ANSWERED;
    }

    End with(SendCertainty other) {
      return new End(status, trailers, other, content);
    }

    End with(Metadata other) {
      return new End(status, other, certainty, content);
    }

    End answered(Status.Code code) {
      return new End(code.toStatus(), new Metadata(), SendCertainty.ANSWERED, null);
    }

    End success(byte[] made) {
      return new End(Status.OK, new Metadata(), SendCertainty.ANSWERED, made);
    }
  }

  final <Q, A> ClientCall<Q, A> attempt(
      Set<Attempt<?, ?>> running, MethodDescriptor<Q, A> method, CallOptions own, Channel next) {
    SendTracer tracer =
        own.getStreamTracerFactories().stream()
            .filter(SendTracer.class::isInstance)
            .map(SendTracer.class::cast)
            .findFirst()
            .orElseThrow();
    Seen seen = new Seen(tracer);
    CallOptions options =
        CallOptions.DEFAULT
            .withDeadline(own.getDeadline())
            .withExecutor(own.getExecutor())
            .withStreamTracerFactory(seen);
    if (tracer.backend() != null) {
      // The balancer finds the choice of the engine by it.
      options =
          options.withStreamTracerFactory(
              new SendTracer(new GrpcRetries(), null, tracer.backend(), tracer.subset()));
    }
    return new Attempt<>(this, running, method, options(options), next, seen);
  }

  /** One attempt with this fault. */
  static final class Attempt<Q, A> extends SimpleForwardingClientCall<Q, A> {
    private final GrpcFault fault;
    private final Set<Attempt<?, ?>> running;
    private final Seen seen;
    private final AtomicBoolean isEnded = new AtomicBoolean();
    private final MethodDescriptor<Q, A> method;
    private final Channel next;
    private Listener<A> listener;
    private int number;
    private Metadata headers;
    private Q request;

    Attempt(
        GrpcFault fault,
        Set<Attempt<?, ?>> running,
        MethodDescriptor<Q, A> method,
        CallOptions options,
        Channel next,
        Seen seen) {
      super(next.newCall(method, options));
      this.fault = fault;
      this.running = running;
      this.method = method;
      this.next = next;
      this.seen = seen;
    }

    @Override
    public void start(Listener<A> to, Metadata sent) {
      listener = to;
      String previous = sent.get(GrpcHeaders.PREVIOUS_ATTEMPTS);
      number = previous == null ? 1 : Integer.parseInt(previous) + 1;
      fault.head(sent, number);
      headers = new Metadata();
      headers.merge(sent);
      running.add(this);
      boolean isBroken = fault.isBroken();
      super.start(new Answers(to), sent);
      if (isBroken) {
        loses();
      }
    }

    @Override
    @SuppressWarnings("unchecked")
    public void sendMessage(Q message) {
      request = (Q) fault.request((byte[]) message, number);
      super.sendMessage(request);
    }

    @Override
    public void cancel(@Nullable String message, @Nullable Throwable cause) {
      boolean isFirst = running.contains(this);
      super.cancel(message, cause);
      if (isFirst) {
        fault.cancelled(this);
      }
    }

    /** Sends the same request once more; its answer is lost. */
    void sendAgain() {
      ClientCall<Q, A> again = next.newCall(method, CallOptions.DEFAULT);
      Metadata same = new Metadata();
      same.merge(headers);
      again.start(new Listener<A>() {}, same);
      again.request(1);
      again.sendMessage(request);
      again.halfClose();
    }

    /** The attempt ends as lost. */
    void loses() {
      ends(new End(Status.UNAVAILABLE, new Metadata(), SendCertainty.MAYBE_SENT, null), null);
      super.cancel("lost", null);
    }

    private void ends(End end, byte @Nullable [] content) {
      if (!isEnded.compareAndSet(false, true)) {
        return;
      }
      running.remove(this);
      seen.tells(end);
      @SuppressWarnings("unchecked")
      A message = (A) content;
      if (message != null) {
        listener.onMessage(message);
      }
      listener.onClose(end.status(), end.trailers());
    }

    /** Keeps the content until the end, which may replace it. */
    private final class Answers extends SimpleForwardingClientCallListener<A> {
      private byte @Nullable [] content;

      Answers(Listener<A> to) {
        super(to);
      }

      @Override
      public void onMessage(A message) {
        content = fault.answer((byte[]) message);
      }

      @Override
      public void onClose(Status status, Metadata trailers) {
        End end = fault.end(Attempt.this, new End(status, trailers, seen.certainty(status), null));
        ends(end, end.content() != null ? end.content() : content);
      }
    }
  }

  /** The stream as it was, beside what the library is told of it. */
  private static final class Seen extends ClientStreamTracer.Factory {
    private final SendTracer library;
    private volatile @Nullable ClientStreamTracer told;
    private volatile boolean hasLeft;
    private volatile boolean isAnswering;
    private volatile boolean isAnswered;

    Seen(SendTracer library) {
      this.library = library;
    }

    @Override
    public ClientStreamTracer newClientStreamTracer(
        ClientStreamTracer.StreamInfo info, Metadata headers) {
      hasLeft = false;
      told = library.newClientStreamTracer(info, headers);
      return new ClientStreamTracer() {
        @Override
        public void outboundHeaders() {
          hasLeft = true;
        }

        @Override
        public void inboundHeaders() {
          isAnswering = true;
        }

        @Override
        public void inboundTrailers(Metadata trailers) {
          isAnswered = true;
        }
      };
    }

    SendCertainty certainty(Status end) {
      if (isAnswered || (isAnswering && end.getCode() == TOO_LARGE)) {
        return SendCertainty.ANSWERED;
      }
      return hasLeft ? SendCertainty.MAYBE_SENT : SendCertainty.NOT_SENT;
    }

    void tells(End end) {
      ClientStreamTracer tracer = told;
      if (tracer == null) {
        tracer =
            library.newClientStreamTracer(
                ClientStreamTracer.StreamInfo.newBuilder().build(), new Metadata());
      }
      if (end.certainty() == SendCertainty.NOT_SENT) {
        return;
      }
      tracer.outboundHeaders();
      if (isAnswering || end.isAnswered()) {
        tracer.inboundHeaders();
      }
      // An answer that this side refuses to read has no trailers.
      if (end.isAnswered() && (isAnswered || end.status().getCode() != TOO_LARGE)) {
        tracer.inboundTrailers(end.trailers());
      }
    }
  }
}
