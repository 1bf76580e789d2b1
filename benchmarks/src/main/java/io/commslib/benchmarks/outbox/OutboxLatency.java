package io.commslib.benchmarks.outbox;

import io.commslib.benchmarks.measure.CountingSink;
import java.sql.Connection;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;

/** Latency from the return of the commit to the publish, at 500 messages per second. */
final class OutboxLatency {

  private OutboxLatency() {}

  /** Returns the median and the 99th percentile in milliseconds. */
  static double[] measure(OutboxTestbed testbed, int messages) throws Exception {
    AtomicLongArray published = new AtomicLongArray(messages);
    CountingSink sink = new CountingSink();
    sink.onMessage(
        message -> published.set(Integer.parseInt(message.id().substring(1)), System.nanoTime()));
    long[] committed = new long[messages];
    testbed.withRelay(
        testbed.outbox,
        sink,
        () -> {
          long next = System.nanoTime();
          for (int n = 0; n < messages; n++) {
            int number = n;
            next += 2_000_000;
            for (long wait = next - System.nanoTime(); wait > 0; wait = next - System.nanoTime()) {
              LockSupport.parkNanos(wait);
            }
            testbed.transactions.<Void, Exception>run(
                tx -> {
                  RawOutbox.insertBusiness(tx.unwrap(Connection.class), number);
                  testbed.outbox.publish(
                      tx, OutboxTestbed.DESTINATION, OutboxTestbed.message(number));
                  return null;
                });
            committed[n] = System.nanoTime();
          }
          sink.await(messages);
          return null;
        });
    double[] millis = new double[messages];
    for (int n = 0; n < messages; n++) {
      // The relay can publish before the commit returns.
      millis[n] = Math.max(0, published.get(n) - committed[n]) / 1e6;
    }
    Arrays.sort(millis);
    return new double[] {millis[messages / 2], millis[messages * 99 / 100]};
  }
}
