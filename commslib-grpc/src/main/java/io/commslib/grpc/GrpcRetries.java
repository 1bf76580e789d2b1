package io.commslib.grpc;

import java.util.concurrent.atomic.AtomicLong;

/** Counts what gRPC repeats below the attempts of one channel. Thread-safe. */
final class GrpcRetries {

  private final AtomicLong transparent = new AtomicLong();
  private volatile boolean isForeign;

  void transparent() {
    transparent.incrementAndGet();
  }

  void foreign() {
    isForeign = true;
  }

  long transparentCount() {
    return transparent.get();
  }

  /** Whether the channel has a retry policy of its own. */
  boolean isForeignSeen() {
    return isForeign;
  }
}
