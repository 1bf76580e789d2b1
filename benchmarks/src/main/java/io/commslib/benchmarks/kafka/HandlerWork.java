package io.commslib.benchmarks.kafka;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A handler's work: the thread parks and does not spin. */
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

  /** Reads the first and the last byte of a body, as the minimum work of a handler. */
  static boolean touch(ByteBuffer body) {
    int sum = body.get(body.position()) + body.get(body.limit() - 1);
    return sum != IMPOSSIBLE_SUM;
  }

  static boolean touch(byte[] body) {
    int sum = body[0] + body[body.length - 1];
    return sum != IMPOSSIBLE_SUM;
  }

  /** Returns bodies that do not compress, neither alone nor in a batch. */
  static byte[][] bodies() {
    java.util.Random random = new java.util.Random(1);
    byte[][] bodies = new byte[1_000][Contender.BODY_BYTES];
    for (byte[] body : bodies) {
      random.nextBytes(body);
    }
    return bodies;
  }
}
