package io.commslib.testkit.history;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * A clean history with all that is allowed in one: failed and unknown publishes, redeliveries, dead
 * letters, redrives. Tests plant faults in it.
 */
final class SimulatedHistory {

  final List<HistoryEvent> producer = new ArrayList<>();
  final List<HistoryEvent> consumer = new ArrayList<>();
  private final SplittableRandom random;
  private final Set<String> special = new HashSet<>();
  private final Set<String> effected = new HashSet<>();
  private long nanos;

  SimulatedHistory(long seed) {
    this.random = new SplittableRandom(seed);
  }

  SimulatedHistory run(int messages) {
    for (int i = 0; i < messages; i++) {
      MessageTrace message = new MessageTrace("m" + i, "w" + i % 3, "k" + random.nextInt(20), i);
      if (published(message)) {
        consumed(message);
      }
    }
    return this;
  }

  /** Returns whether the message got to the broker. */
  private boolean published(MessageTrace message) {
    producer.add(event(HistoryOp.ATTEMPT, message));
    int fate = random.nextInt(20);
    if (fate == 0) {
      producer.add(event(HistoryOp.FAIL, message));
      producer.add(event(HistoryOp.ATTEMPT, message));
    } else if (fate == 1) {
      special.add(message.id());
      producer.add(event(HistoryOp.UNKNOWN, message));
      return random.nextBoolean();
    } else if (fate == 2) {
      special.add(message.id());
      producer.add(event(HistoryOp.FAIL, message));
      return false;
    }
    producer.add(event(random.nextBoolean() ? HistoryOp.ACK : HistoryOp.COMMIT, message));
    return true;
  }

  private void consumed(MessageTrace message) {
    consumer.add(at(HistoryOp.DELIVER, message));
    if (random.nextInt(10) == 0) {
      consumer.add(at(HistoryOp.DELIVER, message));
    }
    int fate = random.nextInt(20);
    if (fate <= 1) {
      special.add(message.id());
      consumer.add(at(HistoryOp.PARK, message));
      if (fate == 0) {
        return;
      }
      consumer.add(at(HistoryOp.REDRIVE, message));
      consumer.add(at(HistoryOp.DELIVER, message));
    }
    effected.add(message.id());
    consumer.add(at(HistoryOp.EFFECT, message));
  }

  private HistoryEvent event(HistoryOp op, MessageTrace message) {
    return new HistoryEvent(op, nanos += 1_000_000, message, "", 0);
  }

  private HistoryEvent at(HistoryOp op, MessageTrace message) {
    return new HistoryEvent(op, nanos += 1_000_000, message, "billing", 1);
  }

  static HistoryEvent with(HistoryEvent event, MessageTrace message) {
    return new HistoryEvent(event.op(), event.nanos(), message, event.consumer(), event.attempt());
  }

  static HistoryEvent later(HistoryEvent event, long millis) {
    return new HistoryEvent(
        event.op(),
        event.nanos() + millis * 1_000_000,
        event.message(),
        event.consumer(),
        event.attempt());
  }

  boolean neverEffected(HistoryEvent event) {
    return !effected.contains(event.message().id())
        && producer.stream()
            .anyMatch(
                sent ->
                    sent.message().equals(event.message())
                        && (sent.op() == HistoryOp.ACK || sent.op() == HistoryOp.COMMIT));
  }

  /** The first effect from an index on of a message with an uneventful life. */
  HistoryEvent firstCleanEffect(int from) {
    return consumer.stream().skip(from).filter(this::isCleanEffect).findFirst().orElseThrow();
  }

  HistoryEvent nextCleanEffectOfKey(HistoryEvent first) {
    return consumer.stream()
        .skip(consumer.indexOf(first) + 1L)
        .filter(this::isCleanEffect)
        .filter(
            event ->
                event.message().key().equals(first.message().key())
                    && event.message().writer().equals(first.message().writer()))
        .findFirst()
        .orElseThrow();
  }

  private boolean isCleanEffect(HistoryEvent event) {
    return event.op() == HistoryOp.EFFECT && !special.contains(event.message().id());
  }

  List<Path> write(Path folder) throws IOException {
    return List.of(
        write(folder.resolve("producer.jsonl"), producer),
        write(folder.resolve("consumer.jsonl"), consumer));
  }

  private static Path write(Path file, List<HistoryEvent> events) throws IOException {
    try (BufferedWriter lines = Files.newBufferedWriter(file)) {
      for (HistoryEvent event : events) {
        lines.write(event.toJson("run", file.getFileName().toString()));
      }
    }
    return file;
  }
}
