package io.commslib.grpc;

import io.grpc.ClientStreamTracer;
import io.grpc.Metadata;

/**
 * Learns from the streams of one attempt what has left and what has arrived. gRPC repeats a stream
 * by itself only if no server has seen it; such a transparent retry begins anew here.
 */
final class SendTracer extends ClientStreamTracer.Factory {

  private final GrpcRetries retries;
  private final Runnable onForeign;
  private volatile boolean hasLeft;
  private volatile boolean isAnswering;
  private volatile boolean isAnswered;
  private volatile boolean isForeign;

  /** Creates a tracer; the callback ends an attempt that the channel itself repeats. */
  SendTracer(GrpcRetries retries, Runnable onForeign) {
    this.retries = retries;
    this.onForeign = onForeign;
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
      onForeign.run();
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
