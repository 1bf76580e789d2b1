package io.commslib.benchmarks.kafka;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A handler's work: parked, not spinning. */
final class Work {

  private Work() {}

  static void take(int millis) {
    if (millis == 0) {
      return;
    }
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  /** Bodies that do not compress, neither each by itself nor in a batch. */
  static byte[][] bodies() {
    java.util.Random random = new java.util.Random(1);
    byte[][] bodies = new byte[1_000][Contender.BODY_BYTES];
    for (byte[] body : bodies) {
      random.nextBytes(body);
    }
    return bodies;
  }
}
