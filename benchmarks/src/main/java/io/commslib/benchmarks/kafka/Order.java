package io.commslib.benchmarks.kafka;

import java.util.Arrays;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;

/**
 * What a contender is told to do, on one line: {@code consume topic=t records=100000 millis=1
 * threads=64}.
 */
record Order(String verb, Map<String, String> arguments) {

  static Order parse(String line) {
    String[] words = line.strip().split(" ");
    Map<String, String> arguments = new TreeMap<>();
    Arrays.stream(words)
        .skip(1)
        .map(word -> word.split("=", 2))
        .forEach(pair -> arguments.put(pair[0], pair[1]));
    return new Order(words[0], arguments);
  }

  static Order consume(String topic, int records, int millis, int threads) {
    return new Order(
        "consume",
        Map.of(
            "topic", topic,
            "records", Integer.toString(records),
            "millis", Integer.toString(millis),
            "threads", Integer.toString(threads)));
  }

  static Order publish(String topic, int records, int keys) {
    return new Order(
        "publish",
        Map.of(
            "topic", topic,
            "records", Integer.toString(records),
            "keys", Integer.toString(keys)));
  }

  /** Returns the same with one argument more. */
  Order with(String name, String value) {
    Map<String, String> more = new TreeMap<>(arguments);
    more.put(name, value);
    return new Order(verb, more);
  }

  String text(String name, String otherwise) {
    return arguments.getOrDefault(name, otherwise);
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
