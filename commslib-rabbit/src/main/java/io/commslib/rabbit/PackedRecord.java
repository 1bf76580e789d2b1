package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.impl.ContentHeaderPropertyWriter;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Packed form of a dead letter whose properties and headers do not fit in one frame, because its
 * cause was added to a record near the limit. Properties and headers are encoded as in AMQP in
 * front of the body, and a header contains their length in bytes. Packed records are read only
 * where the library alone writes.
 *
 * @param properties those before packing, with their headers
 * @param body the body before packing
 */
record PackedRecord(AMQP.BasicProperties properties, ByteBuffer body) {

  /** Header with the number of bytes of properties and headers in front of the body. */
  static final String LENGTH = CloudEventsEnvelope.RESERVED_PREFIX + "packed";

  private static final int PERSISTENT = 2;

  /** Bytes for weight and length of the body, which the flags of the properties follow. */
  private static final int FLAGS_AT = 2 + 8;

  static OutgoingRecord pack(OutgoingRecord record) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      DataOutputStream out = new DataOutputStream(bytes);
      // The client expects weight and length of the body in front of the properties.
      out.writeShort(0);
      out.writeLong(record.body().length);
      record
          .properties()
          .builder()
          .headers(record.headers())
          .build()
          .writePropertiesTo(new ContentHeaderPropertyWriter(out));
      int length = bytes.size();
      bytes.write(record.body());
      Map<String, Object> headers = new HashMap<>();
      headers.put(LENGTH, length);
      AMQP.BasicProperties outer =
          new AMQP.BasicProperties.Builder()
              .deliveryMode(PERSISTENT)
              .messageId(record.properties().getMessageId())
              .expiration(record.properties().getExpiration())
              .priority(record.properties().getPriority())
              .build();
      return new OutgoingRecord(outer, headers, bytes.toByteArray(), false);
    } catch (IOException | IllegalArgumentException e) {
      // The size is not the problem: a value can't be encoded in AMQP.
      return record;
    }
  }

  /** Reads a record of either form. */
  static PackedRecord read(AMQP.BasicProperties properties, byte[] body) {
    Map<String, Object> headers = properties.getHeaders();
    Object length = headers == null ? null : headers.get(LENGTH);
    if (length instanceof Integer head && head > 0 && head <= body.length) {
      try {
        byte[] readable = DeepHeaders.readable(Arrays.copyOf(body, head), FLAGS_AT);
        AMQP.BasicProperties inner =
            new AMQP.BasicProperties(new DataInputStream(new ByteArrayInputStream(readable)));
        return new PackedRecord(inner, ByteBuffer.wrap(body, head, body.length - head));
      } catch (IOException | RuntimeException e) {
        // Not packed by the library: used unchanged.
        return new PackedRecord(properties, ByteBuffer.wrap(body));
      }
    }
    return new PackedRecord(properties, ByteBuffer.wrap(body));
  }
}
