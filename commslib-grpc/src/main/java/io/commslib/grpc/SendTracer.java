package io.commslib.grpc;

import io.grpc.ClientStreamTracer;
import io.grpc.Metadata;
import org.jspecify.annotations.Nullable;

/**
 * Learns from the streams of one attempt what has left and what has arrived. gRPC repeats a stream
 * by itself only if no server has seen it; such a transparent retry begins anew here.
 */
final class SendTracer extends ClientStreamTracer.Factory {

  private final GrpcRetries retries;
  private final ClientAttempt<?, ?> attempt;
  private final @Nullable Backend backend;
  private final @Nullable String subset;
  private volatile boolean hasLeft;
  private volatile boolean isAnswering;
  private volatile boolean isAnswered;
  private volatile boolean isForeign;

  /** Creates the tracer of an attempt, which it ends if the channel itself repeats it. */
  SendTracer(
      GrpcRetries retries,
      ClientAttempt<?, ?> attempt,
      @Nullable Backend backend,
      @Nullable String subset) {
    this.retries = retries;
    this.attempt = attempt;
    this.backend = backend;
    this.subset = subset;
  }

  /** The choice of the engine, or null without one. */
  @Nullable Backend backend() {
    return backend;
  }

  /** The subset of the attempt, or null for all backends. */
  @Nullable String subset() {
    return subset;
  }

  @Override
  public ClientStreamTracer newClientStreamTracer(
      ClientStreamTracer.StreamInfo info, Metadata headers) {
    if (info.isTransparentRetry()) {
      hasLeft = false;
      retries.transparent();
    } else if (info.getPreviousAttempts() > 0 || info.isHedging()) {
      isForeign = true;
      retries.foreign();
      attempt.cancelCall("repeated by the channel", null);
    }
    return new StreamTracer();
  }

  /** Whether the headers of a stream that a server may have seen have left. */
  boolean hasLeft() {
    return hasLeft;
  }

  /** Whether the head of an answer has arrived. */
  boolean isAnswering() {
    return isAnswering;
  }

  /** Whether trailers have arrived. */
  boolean isAnswered() {
    return isAnswered;
  }

  /** Whether a retry policy of the channel has made a stream of this attempt. */
  boolean isForeign() {
    return isForeign;
  }

  private final class StreamTracer extends ClientStreamTracer {
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
  }
}
