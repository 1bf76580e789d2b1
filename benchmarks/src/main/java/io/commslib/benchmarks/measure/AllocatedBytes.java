package io.commslib.benchmarks.measure;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;

/** Measures the bytes allocated so far in this JVM. */
public final class AllocatedBytes {

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private AllocatedBytes() {}

  /**
   * Returns the bytes that each live thread has allocated, by its id. Where threads end meanwhile,
   * {@link #since} counts the others.
   */
  public static Map<Long, Long> byThread() {
    Map<Long, Long> bytes = new HashMap<>();
    long[] ids = THREADS.getAllThreadIds();
    long[] each = THREADS.getThreadAllocatedBytes(ids);
    for (int i = 0; i < ids.length; i++) {
      bytes.put(ids[i], Math.max(0, each[i]));
    }
    return bytes;
  }

  /** Returns the bytes allocated since then by all threads that live now. */
  public static long since(Map<Long, Long> then) {
    long sum = 0;
    for (Map.Entry<Long, Long> now : byThread().entrySet()) {
      sum += Math.max(0, now.getValue() - then.getOrDefault(now.getKey(), 0L));
    }
    return sum;
  }

  /** Returns the bytes of all live threads. Its own work allocates some thousand bytes. */
  public static long now() {
    long sum = 0;
    for (long bytes : THREADS.getThreadAllocatedBytes(THREADS.getAllThreadIds())) {
      sum += Math.max(0, bytes);
    }
    return sum;
  }

  /** Returns the bytes allocated so far by the calling thread. Allocates nothing itself. */
  public static long ofThisThread() {
    return THREADS.getCurrentThreadAllocatedBytes();
  }
}
