package io.commslib.kafka;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.wire.DeadLetterHeaders;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * Reads the dead letters of Spring Kafka and of SmallRye. Spring Kafka writes binary numbers and
 * may repeat a header, of which the last one is valid. SmallRye writes numbers as text. A record of
 * another producer keeps its headers and gets an unknown cause.
 */
final class ForeignDeadLetter {

  private static final String SPRING = "kafka_dlt-";
  private static final String SPRING_RETRY = "retry_topic-";
  private static final String SMALLRYE = "dead-letter-";
  private static final String SMALLRYE_RETRY = "delayed-retry-";
  private static final List<String> FOREIGN_PREFIXES =
      List.of(
          SPRING,
          SPRING_RETRY,
          "springDeserializerException",
          SMALLRYE,
          SMALLRYE_RETRY,
          "deserialization-failure-");

  /**
   * The group whose letter a record becomes.
   *
   * @param boundName name of the topic of the source
   * @param topicId id of the topic with the record; null if the format finds an id in each record
   */
  record Target(Destination source, String group, String boundName, @Nullable Uuid topicId) {}

  private final ConsumerRecord<byte[], byte[]> record;
  private final Map<String, byte[]> headers = new LinkedHashMap<>();

  private ForeignDeadLetter(ConsumerRecord<byte[], byte[]> record) {
    this.record = record;
    for (Header header : record.headers()) {
      if (header.value() != null) {
        headers.put(header.key(), header.value());
      }
    }
  }

  /** Converts a record to a dead letter of this library. */
  static ForeignRecord read(ConsumerRecord<byte[], byte[]> record, Target target) {
    ForeignDeadLetter letter = new ForeignDeadLetter(record);
    Map<String, String> cause = letter.cause();
    cause.put("source", target.source().toString());
    cause.put("group", target.group());
    cause.put("failed-at", Instant.ofEpochMilli(Math.max(0, record.timestamp())).toString());
    // Letters of one partition stay in one, so that they keep their order.
    cause.put("partition", Integer.toString(record.partition()));
    cause.put("imported-from", letter.ownPosition());
    ForeignRecord original =
        KafkaRecords.wire(
            record.headers(),
            KafkaRecords.keyText(record.key()),
            KafkaOrigin.of(record, target.boundName()),
            record.value() == null ? null : ByteBuffer.wrap(record.value()),
            false);
    Map<String, String> own = new LinkedHashMap<>(original.texts());
    own.keySet().removeIf(name -> FOREIGN_PREFIXES.stream().anyMatch(name::startsWith));
    Uuid topicId = target.topicId();
    if (topicId != null) {
      // Not of the original position: its topic may have been recreated since.
      own.put(ForeignRecord.RECORD_ID, topicId + ":" + record.partition() + ":" + record.offset());
    }
    return DeadLetterHeaders.add(original.withTexts(own), cause);
  }

  private Map<String, String> cause() {
    if (headers.containsKey(SPRING + "original-topic")) {
      return spring();
    }
    if (headers.containsKey(SMALLRYE + "topic") || headers.containsKey(SMALLRYE + "reason")) {
      return smallRye();
    }
    return cause("unknown", ownPosition(), "0");
  }

  private Map<String, String> spring() {
    String exception = text(SPRING + "exception-fqcn", "unknown");
    Map<String, String> cause =
        cause(
            exception,
            position(
                text(SPRING + "original-topic", ""),
                binary(SPRING + "original-partition"),
                binary(SPRING + "original-offset")),
            or(binary(SPRING_RETRY + "attempts"), "0"));
    cause.put("last-cause", exception + ": " + text(SPRING + "exception-message", ""));
    putIfPresent(cause, "first-cause", SPRING + "exception-cause-fqcn");
    putIfPresent(cause, "stack", SPRING + "exception-stacktrace");
    String received = binary(SPRING + "original-timestamp");
    if (received != null) {
      cause.put("received-at", Instant.ofEpochMilli(Long.parseLong(received)).toString());
    }
    return cause;
  }

  private Map<String, String> smallRye() {
    String exception = text(SMALLRYE + "exception-class-name", "unknown");
    Map<String, String> cause =
        cause(
            exception,
            position(
                text(SMALLRYE + "topic", ""),
                text(SMALLRYE + "partition", ""),
                text(SMALLRYE + "offset", "")),
            text(SMALLRYE_RETRY + "count", "0"));
    cause.put("last-cause", exception + ": " + text(SMALLRYE + "reason", ""));
    putIfPresent(cause, "first-cause", SMALLRYE + "cause");
    return cause;
  }

  private Map<String, String> cause(String exception, String position, String attempts) {
    Map<String, String> cause = new LinkedHashMap<>();
    cause.put("reason", exception);
    cause.put("fingerprint", exception);
    cause.put("position", position);
    cause.put("attempts", attempts);
    cause.put("redrive-count", "0");
    return cause;
  }

  private String position(String topic, @Nullable String partition, @Nullable String offset) {
    return topic.isEmpty() || partition == null || offset == null
        ? ownPosition()
        : topic + "-" + partition + "@" + offset;
  }

  private String ownPosition() {
    return record.topic() + "-" + record.partition() + "@" + record.offset();
  }

  private void putIfPresent(Map<String, String> cause, String field, String header) {
    String value = text(header, "");
    if (!value.isEmpty()) {
      cause.put(field, value);
    }
  }

  private String text(String name, String otherwise) {
    byte[] value = headers.get(name);
    return value == null ? otherwise : new String(value, StandardCharsets.UTF_8);
  }

  /** A big-endian number of 4 or 8 bytes as text; null if the header has another length. */
  private @Nullable String binary(String name) {
    byte[] value = headers.get(name);
    if (value == null) {
      return null;
    }
    return switch (value.length) {
      case Integer.BYTES -> Integer.toString(ByteBuffer.wrap(value).getInt());
      case Long.BYTES -> Long.toString(ByteBuffer.wrap(value).getLong());
      default -> null;
    };
  }

  private static String or(@Nullable String value, String otherwise) {
    return value == null ? otherwise : value;
  }
}
