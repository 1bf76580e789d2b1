package io.commslib.testkit.history;

import io.commslib.testkit.history.HistoryVerdict.Counter;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

/** The history of one process in its own order: checks the order per key and detects pauses. */
final class HistoryStream {

  private record Line(String consumer, String writer, String key) {}

  private final long stuckNanos;
  private final BiConsumer<Counter, String> found;
  private final Map<Line, Long> highest = new HashMap<>();
  private final Map<String, Set<String>> unfinished = new HashMap<>();
  private final Map<String, Long> lastNanos = new HashMap<>();
  private final Set<String> effected = new HashSet<>();

  HistoryStream(long stuckNanos, BiConsumer<Counter, String> found) {
    this.stuckNanos = stuckNanos;
    this.found = found;
  }

  /** Accepts the next event; special ones are not part of the order. */
  void accept(HistoryEvent event, boolean special) {
    String consumer = event.consumer();
    if (consumer.isEmpty()) {
      return;
    }
    pause(event);
    Set<String> open = unfinished.computeIfAbsent(consumer, name -> new HashSet<>());
    String id = event.message().id();
    if (event.op() == HistoryOp.DELIVER) {
      open.add(id);
    } else {
      open.remove(id);
    }
    if (event.op() == HistoryOp.EFFECT && !special) {
      order(event);
    }
  }

  private void pause(HistoryEvent event) {
    Long before = lastNanos.put(event.consumer(), event.nanos());
    boolean busy = !unfinished.getOrDefault(event.consumer(), Set.of()).isEmpty();
    if (busy && before != null && event.nanos() - before > stuckNanos) {
      found.accept(
          Counter.STUCK,
          event.consumer() + " was stalled for " + Duration.ofNanos(event.nanos() - before));
    }
  }

  private void order(HistoryEvent event) {
    MessageTrace message = event.message();
    if (!effected.add(event.consumer() + '\n' + message.id())) {
      return;
    }
    Line line = new Line(event.consumer(), message.writer(), message.key());
    Long high = highest.get(line);
    if (high != null && message.seq() < high) {
      found.accept(
          Counter.REORDERED,
          event.consumer() + ": " + message + " after number " + high + " of its key");
    } else {
      highest.put(line, message.seq());
    }
  }

  /** Ends the history. */
  void end() {
    highest.clear();
    effected.clear();
    unfinished.clear();
  }
}
