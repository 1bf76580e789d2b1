package io.commslib.core.wire;

import io.commslib.core.Failures;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The wire form of a dead letter's cause: headers {@code commslib-dlq-<field>} beside the original
 * headers. Fields: {@code reason, source, group, handler, partition, position, key, message-id,
 * message-source, time, received-at, failed-at, attempts, redrive-count, fingerprint, first-cause,
 * last-cause, stack, cut}. Each value is cut at 4,096 bytes and all of them together at 16 KiB,
 * control characters become spaces, and the fields of an earlier dead letter are replaced, never
 * appended.
 */
public final class DeadLetterHeaders {

  private static final String PREFIX = CloudEventsEnvelope.RESERVED_PREFIX + "dlq-";
  private static final int MAX_VALUE_BYTES = 4_096;

  /**
   * Marks a letter whose application headers were omitted because its target refused it with them.
   * An adapter that writes such a letter takes no header from the record's origin.
   */
  public static final String CUT_HEADERS = CloudEventsEnvelope.RESERVED_PREFIX + "cut-headers";

  /** Maximum size of the names and values of one cause in UTF-8. */
  private static final int MAX_CAUSE_BYTES = 16 * 1024;

  private DeadLetterHeaders() {}

  /**
   * Adds the cause to a message.
   *
   * @param original the record as it was received
   * @param cause values by field name
   * @return the record to publish to the group's dead letters
   */
  public static ForeignRecord add(ForeignRecord original, Map<String, String> cause) {
    Map<String, String> headers = withoutCause(original);
    int left = MAX_CAUSE_BYTES;
    for (String field : cause.keySet()) {
      left -= PREFIX.length() + field.length();
    }
    for (Map.Entry<String, String> field : cause.entrySet()) {
      String name = PREFIX + field.getKey();
      String value = clean(field.getValue(), Math.max(0, Math.min(left, MAX_VALUE_BYTES)));
      left -= value.getBytes(StandardCharsets.UTF_8).length;
      headers.put(name, value);
    }
    original.assignedId().ifPresent(id -> headers.put(ForeignRecord.RECORD_ID, id));
    return original.withTexts(headers);
  }

  /**
   * Reads a dead letter.
   *
   * @param wire record from the group's dead letters
   * @param format format of the destination
   * @return the dead letter, without a message if it can't be decoded
   */
  public static DeadLetter read(ForeignRecord wire, MessageFormat format) {
    Map<String, String> cause = new LinkedHashMap<>();
    wire.texts()
        .forEach(
            (name, value) -> {
              if (name.startsWith(PREFIX)) {
                cause.put(name.substring(PREFIX.length()), value);
              }
            });
    try {
      Message message = format.read(wire);
      return new DeadLetter(message.id(), message, cause);
    } catch (Throwable e) {
      if (Failures.isJvmFailure(e)) {
        throw e;
      }
      return new DeadLetter(cause.getOrDefault("position", "unknown"), null, cause);
    }
  }

  /**
   * Makes the redriven record: without cause and with a redrive count one higher.
   *
   * @param deadLetter record from the group's dead letters
   * @return the record to publish to the group
   */
  public static ForeignRecord redriven(ForeignRecord deadLetter) {
    Map<String, String> headers = withoutCause(deadLetter);
    headers.put(CloudEventsEnvelope.REDRIVE_COUNT, Integer.toString(redriveCount(deadLetter) + 1));
    return deadLetter.withTexts(headers);
  }

  /**
   * Returns the number of redrives of a message.
   *
   * @param wire the received record
   * @return 0 to 1,000,000; 0 if absent or unreadable
   */
  public static int redriveCount(ForeignRecord wire) {
    String text = wire.texts().get(CloudEventsEnvelope.REDRIVE_COUNT);
    try {
      return text == null ? 0 : Math.min(1_000_000, Math.max(0, Integer.parseInt(text)));
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  /**
   * Raises the redrive count of a record that follows another one of its blocked key. It then
   * counts as redriven as often as that one, so the whole sequence passes the block at the next
   * redrive.
   *
   * @param original the record
   * @param count minimum redrive count of the result
   * @return the record, or a copy with that count
   */
  public static ForeignRecord redrivenAtLeast(ForeignRecord original, int count) {
    if (redriveCount(original) >= count) {
      return original;
    }
    Map<String, String> headers = new LinkedHashMap<>(original.texts());
    headers.put(CloudEventsEnvelope.REDRIVE_COUNT, Integer.toString(count));
    return original.withTexts(headers);
  }

  private static Map<String, String> withoutCause(ForeignRecord wire) {
    Map<String, String> headers = new LinkedHashMap<>(wire.texts());
    headers.keySet().removeIf(name -> name.startsWith(PREFIX));
    return headers;
  }

  /** Shortens a value and replaces characters that are not allowed in a header. */
  private static String clean(String value, int maxBytes) {
    StringBuilder text = new StringBuilder(Math.min(value.length(), maxBytes));
    int bytes = 0;
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      boolean pair =
          Character.isHighSurrogate(c)
              && i + 1 < value.length()
              && Character.isLowSurrogate(value.charAt(i + 1));
      boolean plain = c >= 0x20 && c != 0x7f && (pair || !Character.isSurrogate(c));
      char kept = plain ? c : ' ';
      bytes += pair ? 4 : kept < 0x80 ? 1 : kept < 0x800 ? 2 : 3;
      if (bytes > maxBytes) {
        break;
      }
      text.append(kept);
      if (pair) {
        text.append(value.charAt(++i));
      }
    }
    return text.toString();
  }
}
