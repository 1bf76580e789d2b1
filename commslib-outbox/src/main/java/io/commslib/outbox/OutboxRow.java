package io.commslib.outbox;

import io.commslib.core.CodecException;
import io.commslib.core.hash.Fnv1a;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A row of the message table. The text form of its headers has one line for each header: name,
 * colon, value. Values contain no control characters and names no colon, so nothing is escaped.
 *
 * @param missing the number of bytes of payload and headers, if they were left in the database
 *     because of their size; else 0
 * @param lane equal for rows that must be published one after the other; null for rows without key
 */
record OutboxRow(
    int shard,
    long id,
    String destination,
    @Nullable String key,
    byte[] payload,
    String headers,
    @Nullable String lane,
    long missing) {

  private static final byte[] NO_BYTES = {};

  static final CloudEventsEnvelope ENVELOPE =
      new CloudEventsEnvelope(CloudEventsEnvelope.KAFKA_PREFIX);

  OutboxRow(
      int shard,
      long id,
      String destination,
      @Nullable String key,
      byte[] payload,
      String headers) {
    this(shard, id, destination, key, payload, headers, laneOf(destination, key), 0);
  }

  /** A row whose payload and headers are still in the database. */
  static OutboxRow withoutBody(
      int shard, long id, String destination, @Nullable String key, long bytes) {
    return new OutboxRow(
        shard, id, destination, key, NO_BYTES, "", laneOf(destination, key), bytes);
  }

  OutboxRow withBody(byte[] body, String text) {
    return new OutboxRow(shard, id, destination, key, body, text, lane, 0);
  }

  private static @Nullable String laneOf(String destination, @Nullable String key) {
    return key == null ? null : lane(destination, key);
  }

  boolean hasBody() {
    return missing == 0;
  }

  /** The number of bytes of payload and headers, wherever they are. */
  long bytes() {
    return missing + payload.length + headers.length();
  }

  static String lane(String destination, String key) {
    return destination + '\n' + key;
  }

  /** Its shard and id, for logs. */
  String place() {
    return "row " + shard + "/" + id;
  }

  Destination to() {
    try {
      return Destination.parse(destination);
    } catch (IllegalArgumentException e) {
      throw new CodecException("COMMS-OUTBOX-003", place() + ", " + e.getMessage(), e);
    }
  }

  /** Decodes the message. A row that was changed by hand may fail. */
  Message message() {
    Message usual = RowHeaders.read(this);
    return usual != null ? usual : decode();
  }

  /** Decodes a row of another writer or version. Its failures name what is wrong. */
  private Message decode() {
    Map<String, String> map = new LinkedHashMap<>();
    for (String line : headers.split("\n")) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        map.put(line.substring(0, colon), line.substring(colon + 1));
      }
    }
    return ENVELOPE.read(new ForeignRecord(key, map, payload));
  }

  static String headerText(Message message, CloudEventsEnvelope envelope) {
    StringBuilder text = new StringBuilder(256);
    envelope
        .write(message)
        .texts()
        .forEach((name, value) -> text.append(name).append(':').append(value).append('\n'));
    return text.toString();
  }

  /** The shard of a key: the same on every database, in every process and release. */
  static int shardOf(String key, int shards) {
    int hash = Fnv1a.hash32(key.getBytes(StandardCharsets.UTF_8));
    hash ^= hash >>> 16;
    return Math.floorMod(hash, shards);
  }
}
