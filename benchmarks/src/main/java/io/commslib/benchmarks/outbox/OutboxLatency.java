package io.commslib.benchmarks.outbox;

import io.commslib.benchmarks.measure.CountingSink;
import java.sql.Connection;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;

/** From the return of the commit to the publish, at 500 messages a second. */
final class OutboxLatency {

  private OutboxLatency() {}

  /** Milliseconds: median and 99th percentile. */
  static double[] measure(OutboxTestbed bed, int messages) throws Exception {
    AtomicLongArray published = new AtomicLongArray(messages);
    CountingSink sink = new CountingSink();
    sink.onMessage(
        message -> published.set(Integer.parseInt(message.id().substring(1)), System.nanoTime()));
    long[] committed = new long[messages];
    bed.relaying(
        bed.outbox,
        sink,
        () -> {
          long next = System.nanoTime();
          for (int n = 0; n < messages; n++) {
            int number = n;
            next += 2_000_000;
            for (long wait = next - System.nanoTime(); wait > 0; wait = next - System.nanoTime()) {
              LockSupport.parkNanos(wait);
            }
            bed.transactions.<Void, Exception>run(
                tx -> {
                  RawOutbox.business(tx.unwrap(Connection.class), number);
                  bed.outbox.publish(tx, OutboxTestbed.TO, OutboxTestbed.message(number));
                  return null;
                });
            committed[n] = System.nanoTime();
          }
          sink.await(messages);
          return null;
        });
    double[] millis = new double[messages];
    for (int n = 0; n < messages; n++) {
      // The relay may be quicker than the return of the commit.
      millis[n] = Math.max(0, published.get(n) - committed[n]) / 1e6;
    }
    Arrays.sort(millis);
    return new double[] {millis[messages / 2], millis[messages * 99 / 100]};
  }
}
