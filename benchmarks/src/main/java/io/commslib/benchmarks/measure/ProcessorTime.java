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
  private final List<Double> processors = new ArrayList<>();
  private long began;
  private long beganAt;

  public void begin() {
    began = nanos();
    beganAt = System.nanoTime();
  }

  public void end(int items) {
    double used = nanos() - began;
    nanosPerItem.add(used / items);
    processors.add(used / (System.nanoTime() - beganAt));
  }

  /** Returns the median of the last measurements; the earlier ones were warm-ups. */
  public double nanosPerItem(int last) {
    return median(nanosPerItem, last);
  }

  /** Returns the number of processors in use, as the median of the last measurements. */
  public double processors(int last) {
    return median(processors, last);
  }

  private static double median(List<Double> measured, int last) {
    List<Double> counted = measured.subList(measured.size() - last, measured.size());
    return counted.stream().sorted().skip(last / 2).findFirst().orElseThrow();
  }

  private static long nanos() {
    ProcessHandle self = ProcessHandle.current();
    return Stream.concat(Stream.of(self), self.descendants())
        .mapToLong(each -> each.info().totalCpuDuration().map(Duration::toNanos).orElse(0L))
        .sum();
  }
}
