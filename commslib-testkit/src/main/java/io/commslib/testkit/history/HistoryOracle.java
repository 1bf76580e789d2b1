package io.commslib.testkit.history;

import io.commslib.core.checks.Checks;
import io.commslib.testkit.history.HistoryVerdict.Counter;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Judges the histories of a run: whether every acknowledged message took effect once and in order.
 *
 * <p>Files are read one by one and clocks of different processes are never compared: order and
 * pauses are judged inside each file. Each file is read twice. Memory grows with the number of
 * messages, not of events. Confined to one thread; an oracle judges one run.
 */
public final class HistoryOracle {

  private static final int MAX_CONSUMERS = 64;
  private static final int MAX_FINDINGS = 100;

  /** The facts about one message. Consumers are bits. */
  private static final class Fate {
    final String key;
    final String writer;
    final long seq;
    boolean attempted;
    boolean acknowledged;
    boolean unknown;
    int open;
    long delivered;
    long effected;
    long parked;

    Fate(MessageTrace trace) {
      this.key = trace.key();
      this.writer = trace.writer();
      this.seq = trace.seq();
    }

    boolean matches(MessageTrace trace) {
      return key.equals(trace.key()) && writer.equals(trace.writer()) && seq == trace.seq();
    }
  }

  private final Map<String, Integer> consumers = new LinkedHashMap<>();
  private final Map<String, Fate> fates = new HashMap<>();
  private final Map<String, String> names = new HashMap<>();
  private final List<String> findings = new ArrayList<>();
  private final long[] counts = new long[Counter.values().length];
  private final long stuckNanos;

  private HistoryOracle(List<String> consumers, Duration stuckAfter) {
    Checks.inRange("consumers", consumers.size(), 1, MAX_CONSUMERS);
    consumers.forEach(name -> this.consumers.put(name, this.consumers.size()));
    this.stuckNanos =
        Checks.inRange("stuckAfter", stuckAfter, Duration.ofMillis(1), Duration.ofHours(24))
            .toNanos();
  }

  /**
   * Creates an oracle for one run.
   *
   * @param consumers groups that must each effect or park every acknowledged message, 1 to 64
   * @param stuckAfter the longest pause of a consumer with unfinished deliveries, 1 ms to 24 h
   * @return new oracle
   */
  public static HistoryOracle of(List<String> consumers, Duration stuckAfter) {
    return new HistoryOracle(
        Objects.requireNonNull(consumers, "consumers"),
        Objects.requireNonNull(stuckAfter, "stuckAfter"));
  }

  /**
   * Reads all histories of the run and judges them.
   *
   * @param files one for each process
   * @return the verdict
   * @throws IOException if a file can't be read, or holds a broken line other than a last one cut
   *     short
   */
  public HistoryVerdict judge(List<Path> files) throws IOException {
    for (Path file : files) {
      read(file, this::producer);
    }
    for (Path file : files) {
      read(file, this::consumer);
    }
    for (Path file : files) {
      HistoryStream stream = new HistoryStream(stuckNanos, this::found);
      read(file, event -> stream.accept(event, isSpecial(event)));
      stream.end();
    }
    fates.forEach(this::count);
    return new HistoryVerdict(counts, findings);
  }

  private void read(Path file, Consumer<HistoryEvent> reader) throws IOException {
    try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      String line = lines.readLine();
      for (int number = 1; line != null; number++) {
        String next = lines.readLine();
        HistoryEvent event = parse(file, number, line, next == null);
        if (event != null) {
          reader.accept(event);
        }
        line = next;
      }
    }
  }

  private static @Nullable HistoryEvent parse(Path file, int number, String line, boolean last)
      throws IOException {
    try {
      return HistoryEvent.parse(line);
    } catch (IllegalArgumentException e) {
      if (last) {
        return null;
      }
      throw new IOException(file.getFileName() + " line " + number + ": " + e.getMessage(), e);
    }
  }

  private void producer(HistoryEvent event) {
    if (!event.consumer().isEmpty()) {
      return;
    }
    MessageTrace trace = event.message();
    Fate fate = fates.computeIfAbsent(trace.id(), id -> new Fate(shared(trace)));
    switch (event.op()) {
      case ATTEMPT -> {
        fate.attempted = true;
        fate.open++;
      }
      case FAIL -> fate.open--;
      case UNKNOWN -> fate.unknown = true;
      case ACK, COMMIT -> fate.acknowledged = true;
      default -> found(Counter.UNEXPECTED, event.op() + " without consumer: " + trace);
    }
  }

  /** Keys and writers repeat, so one copy of each is kept. */
  private MessageTrace shared(MessageTrace trace) {
    return new MessageTrace(
        trace.id(),
        names.computeIfAbsent(trace.writer(), name -> name),
        names.computeIfAbsent(trace.key(), name -> name),
        trace.seq());
  }

  private void consumer(HistoryEvent event) {
    if (event.consumer().isEmpty()) {
      return;
    }
    Integer index = consumers.get(event.consumer());
    Fate fate = fates.get(event.message().id());
    if (index == null || fate == null || !fate.attempted || !fate.matches(event.message())) {
      found(Counter.UNEXPECTED, event.op() + " by " + event.consumer() + ": " + event.message());
      return;
    }
    long bit = 1L << index;
    switch (event.op()) {
      case DELIVER -> {
        counts[Counter.REDELIVERED.ordinal()] += (fate.delivered & bit) != 0 ? 1 : 0;
        fate.delivered |= bit;
      }
      case EFFECT -> {
        if (fate.open <= 0 && !fate.acknowledged && !fate.unknown) {
          found(Counter.UNEXPECTED, "effect of a failed publish: " + event.message());
        }
        if ((fate.effected & bit) != 0) {
          found(
              Counter.DUPLICATE_EFFECTS,
              "second effect by " + event.consumer() + ": " + event.message());
        }
        fate.effected |= bit;
      }
      case PARK -> fate.parked |= bit;
      default -> {}
    }
  }

  /** Parked and redriven messages are not part of the order of first effects. */
  private boolean isSpecial(HistoryEvent event) {
    Integer index = consumers.get(event.consumer());
    Fate fate = fates.get(event.message().id());
    return index == null || fate == null || (fate.parked & 1L << index) != 0;
  }

  private void count(String id, Fate fate) {
    counts[Counter.ATTEMPTED.ordinal()] += fate.attempted ? 1 : 0;
    counts[Counter.ACKNOWLEDGED.ordinal()] += fate.acknowledged ? 1 : 0;
    counts[Counter.UNKNOWN.ordinal()] += fate.unknown && !fate.acknowledged ? 1 : 0;
    counts[Counter.SEEN.ordinal()] += fate.effected != 0 ? 1 : 0;
    counts[Counter.PARKED.ordinal()] += Long.bitCount(fate.parked & ~fate.effected);
    if (!fate.acknowledged) {
      return;
    }
    consumers.forEach(
        (name, index) -> {
          if (((fate.effected | fate.parked) & 1L << index) == 0) {
            found(Counter.LOST, "lost to " + name + ": " + id);
          }
        });
  }

  private void found(Counter counter, String text) {
    counts[counter.ordinal()]++;
    if (findings.size() < MAX_FINDINGS) {
      findings.add(counter + ": " + text);
    }
  }
}
