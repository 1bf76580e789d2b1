package io.commslib.benchmarks.kafka;

import java.util.Arrays;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;

/**
 * A task for a contender, written on one line: {@code consume topic=t records=100000 millis=1
 * threads=64}.
 */
record ContenderTask(String verb, Map<String, String> arguments) {

  static ContenderTask parse(String line) {
    String[] words = line.strip().split(" ");
    Map<String, String> arguments = new TreeMap<>();
    Arrays.stream(words)
        .skip(1)
        .map(word -> word.split("=", 2))
        .forEach(pair -> arguments.put(pair[0], pair[1]));
    return new ContenderTask(words[0], arguments);
  }

  static ContenderTask consume(String topic, int records, int millis, int threads) {
    return new ContenderTask(
        "consume",
        Map.of(
            "topic", topic,
            "records", Integer.toString(records),
            "millis", Integer.toString(millis),
            "threads", Integer.toString(threads)));
  }

  static ContenderTask publish(String topic, int records, int keys) {
    return new ContenderTask(
        "publish",
        Map.of(
            "topic", topic,
            "records", Integer.toString(records),
            "keys", Integer.toString(keys)));
  }

  /** Returns a copy with one more argument. */
  ContenderTask with(String name, String value) {
    Map<String, String> more = new TreeMap<>(arguments);
    more.put(name, value);
    return new ContenderTask(verb, more);
  }

  /** How the published batches are compressed: {@code none} or {@code lz4}, the default. */
  String compression() {
    return arguments.getOrDefault("compression", "lz4");
  }

  /** The size of a full published batch in bytes, for the raw client; its default is 16 KiB. */
  int batchBytes() {
    return Integer.parseInt(arguments.getOrDefault("batch", "16384"));
  }

  String topic() {
    return String.valueOf(arguments.get("topic"));
  }

  int number(String name) {
    return Integer.parseInt(String.valueOf(arguments.get(name)));
  }

  String line() {
    StringJoiner line = new StringJoiner(" ").add(verb);
    arguments.forEach((name, value) -> line.add(name + "=" + value));
    return line.toString();
  }
}
