package io.commslib.benchmarks.measure;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * How much processor time an item takes, in this process and all it has started: what two things
 * take that share the processors bounds how fast they can go together, however well they overlap.
 */
public final class ProcessorTime {

  private final List<Double> nanosEach = new ArrayList<>();
  private long began;

  public void begin() {
    began = nanos();
  }

  public void end(int items) {
    nanosEach.add((nanos() - began) / (double) items);
  }

  /** Median of the last measurements: those before warmed up. */
  public double nanosEach(int last) {
    List<Double> counted = nanosEach.subList(nanosEach.size() - last, nanosEach.size());
    return counted.stream().sorted().skip(last / 2).findFirst().orElseThrow();
  }

  private static long nanos() {
    ProcessHandle self = ProcessHandle.current();
    return Stream.concat(Stream.of(self), self.descendants())
        .mapToLong(each -> each.info().totalCpuDuration().map(Duration::toNanos).orElse(0L))
        .sum();
  }
}
