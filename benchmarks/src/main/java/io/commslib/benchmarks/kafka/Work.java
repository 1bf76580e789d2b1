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

  /** A body that does not compress. */
  static byte[] body() {
    byte[] body = new byte[Contender.BODY_BYTES];
    new java.util.Random(1).nextBytes(body);
    return body;
  }
}
