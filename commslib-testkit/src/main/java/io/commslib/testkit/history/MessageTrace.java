package io.commslib.testkit.history;

import io.commslib.core.messaging.Message;
import java.util.Map;
import java.util.Objects;

/**
 * The identity of a message in a history: its producer, and its place in the order of its key. The
 * producer stamps it on the message, so that every reader of the message can record it. Immutable
 * value.
 *
 * @param id id of the message
 * @param writer the producer that numbered it; unique in a run
 * @param key ordering key
 * @param seq number in the order of the writer and key, 0 or more
 */
public record MessageTrace(String id, String writer, String key, long seq) {

  private static final String WRITER = "history-writer";
  private static final String SEQ = "history-seq";

  /**
   * Creates a trace.
   *
   * @param id id of the message
   * @param writer the producer that numbered it
   * @param key ordering key
   * @param seq number in the order of the writer and key
   */
  public MessageTrace {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(writer, "writer");
    Objects.requireNonNull(key, "key");
  }

  /**
   * Stamps id, key and trace on a message.
   *
   * @param message the builder to stamp
   * @return the same builder
   */
  public Message.Builder stamp(Message.Builder message) {
    return message.id(id).key(key).header(WRITER, writer).header(SEQ, Long.toString(seq));
  }

  /**
   * Reads the trace of a message.
   *
   * @param message as received
   * @return its trace
   * @throws IllegalArgumentException if it was never stamped
   */
  public static MessageTrace of(Message message) {
    Map<String, String> headers = message.headers();
    String writer = headers.get(WRITER);
    String seq = headers.get(SEQ);
    if (writer == null || seq == null) {
      throw new IllegalArgumentException(
          "message: " + message.id() + " (expected: one with headers " + WRITER + ", " + SEQ + ")");
    }
    return new MessageTrace(message.id(), writer, message.key().orElse(""), Long.parseLong(seq));
  }
}
