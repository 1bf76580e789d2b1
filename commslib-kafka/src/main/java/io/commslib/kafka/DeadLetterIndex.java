package io.commslib.kafka;

import io.commslib.core.hash.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * The current letters in one partition of a dead letter topic: the records without a later record
 * of the same key. The index is built by reading the partition once, from the start of the window
 * to the end. It contains keys and offsets, no bodies. A window contains a bounded number of
 * letters; the next window contains the rest.
 *
 * <p>The key of a letter consists of three lines: its identity, its redrive count and its position.
 * An unreadable letter has no identity, and its body's hash behind the position. A letter that is
 * written twice after a crash replaces itself, and two messages never replace each other.
 */
final class DeadLetterIndex {

  /** The maximum number of letters of a partition in one window. */
  static final int MAX_LETTERS = 20_000;

  private static final int MAX_KEY_CHARS = 1_000;

  /** A letter, and earlier letters of the same message, which are deleted with it. */
  static final class Entry {
    final int partition;
    final long offset;
    final byte[] key;
    final String identity;
    final int redriveCount;
    final List<Entry> earlier = new ArrayList<>();

    Entry(int partition, long offset, byte[] key, String identity, int redriveCount) {
      this.partition = partition;
      this.offset = offset;
      this.key = key;
      this.identity = identity;
      this.redriveCount = redriveCount;
    }
  }

  private final Map<String, Entry> byKey = new LinkedHashMap<>();
  private long next = -1;

  /** The key under which a letter is written. */
  static byte[] key(String identity, int redriveCount, String position) {
    String key = identity + '\n' + redriveCount + '\n' + position;
    return KafkaRecords.bytes(key.length() <= MAX_KEY_CHARS ? key : hashed(key, redriveCount));
  }

  private static String hashed(String key, int redriveCount) {
    return Sha256.of(KafkaRecords.bytes(key)) + '\n' + redriveCount + '\n';
  }

  /** Adds a record; to be called in the order of the offsets. */
  void add(ConsumerRecord<byte[], ?> record) {
    if (record.key() == null) {
      return;
    }
    String key = new String(record.key(), StandardCharsets.ISO_8859_1);
    boolean known = byKey.remove(key) != null;
    if (record.value() == null || (next >= 0 && !known && record.offset() >= next)) {
      return;
    }
    if (byKey.size() >= MAX_LETTERS && !known) {
      next = record.offset();
      return;
    }
    byKey.put(key, entry(record));
  }

  private static Entry entry(ConsumerRecord<byte[], ?> record) {
    String key = new String(record.key(), StandardCharsets.UTF_8);
    int end = key.indexOf('\n');
    int second = key.indexOf('\n', end + 1);
    boolean known = end > 0 && second > 0;
    return new Entry(
        record.partition(),
        record.offset(),
        record.key(),
        known ? key.substring(0, end) : "",
        known ? number(key.substring(end + 1, second)) : 0);
  }

  private static int number(String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  /** The offset at which the next window begins; -1 if this window reaches the end. */
  long next() {
    return next;
  }

  /**
   * The letters of a window. After a crash during a redrive, the redriven letter may still exist
   * besides the letter of the next failure. The later letter then represents both.
   */
  static List<Entry> letters(Collection<DeadLetterIndex> partitions) {
    Map<String, Entry> latest = new HashMap<>();
    List<Entry> all = new ArrayList<>();
    partitions.forEach(index -> all.addAll(index.byKey.values()));
    for (Entry entry : all) {
      latest.merge(
          entry.identity,
          entry,
          (one, other) -> other.redriveCount >= one.redriveCount ? other : one);
    }
    List<Entry> letters = new ArrayList<>();
    for (Entry entry : all) {
      Entry last = Objects.requireNonNull(latest.get(entry.identity));
      if (entry.identity.isEmpty() || last.redriveCount == entry.redriveCount) {
        letters.add(entry);
      } else {
        last.earlier.add(entry);
      }
    }
    return letters;
  }
}
