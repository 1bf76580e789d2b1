package io.commslib.benchmarks.measure;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Measures the processor time per item, in this process and all its descendants. The sum of two
 * activities that share the processors bounds their common rate, however well they overlap.
 */
public final class ProcessorTime {

  private final List<Double> nanosPerItem = new ArrayList<>();
  private long began;

  public void begin() {
    began = nanos();
  }

  public void end(int items) {
    nanosPerItem.add((nanos() - began) / (double) items);
  }

  /** Returns the median of the last measurements; the earlier ones were warm-ups. */
  public double nanosPerItem(int last) {
    List<Double> counted = nanosPerItem.subList(nanosPerItem.size() - last, nanosPerItem.size());
    return counted.stream().sorted().skip(last / 2).findFirst().orElseThrow();
  }

  private static long nanos() {
    ProcessHandle self = ProcessHandle.current();
    return Stream.concat(Stream.of(self), self.descendants())
        .mapToLong(each -> each.info().totalCpuDuration().map(Duration::toNanos).orElse(0L))
        .sum();
  }
}
