package io.commslib.benchmarks.kafka;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A handler's work: parked, not spinning. */
final class HandlerWork {

  private static final int IMPOSSIBLE_SUM = 1_000;

  private HandlerWork() {}

  static void park(int millis) {
    if (millis == 0) {
      return;
    }
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  /** What the least handler does with a body: looks at its first and its last byte. */
  static boolean touch(ByteBuffer body) {
    int sum = body.get(body.position()) + body.get(body.limit() - 1);
    return sum != IMPOSSIBLE_SUM;
  }

  static boolean touch(byte[] body) {
    int sum = body[0] + body[body.length - 1];
    return sum != IMPOSSIBLE_SUM;
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
