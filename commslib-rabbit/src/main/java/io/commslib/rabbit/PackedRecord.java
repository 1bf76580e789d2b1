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
import java.util.HashMap;
import java.util.Map;

/**
 * The form of a letter whose properties and headers do not fit in one frame, since its cause was
 * added to a record that was near the limit: all of them stand in front of the body, in the coding
 * of AMQP, and a header says how many bytes they take. Read only where the library alone writes.
 *
 * @param properties as they were before packing, with their headers
 * @param body as it was before packing
 */
record PackedRecord(AMQP.BasicProperties properties, ByteBuffer body) {

  /** How many bytes in front of the body are properties and headers. */
  static final String LENGTH = CloudEventsEnvelope.RESERVED_PREFIX + "packed";

  private static final int PERSISTENT = 2;

  static OutgoingRecord pack(OutgoingRecord record) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      DataOutputStream out = new DataOutputStream(bytes);
      // Weight and length of the body: what the client expects in front of properties.
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
      // Not a matter of size: something in it has no form at all.
      return record;
    }
  }

  /** Reads a record of either form. */
  static PackedRecord read(AMQP.BasicProperties properties, byte[] body) {
    Map<String, Object> headers = properties.getHeaders();
    Object length = headers == null ? null : headers.get(LENGTH);
    if (length instanceof Integer head && head > 0 && head <= body.length) {
      try {
        AMQP.BasicProperties inner =
            new AMQP.BasicProperties(new DataInputStream(new ByteArrayInputStream(body, 0, head)));
        return new PackedRecord(inner, ByteBuffer.wrap(body, head, body.length - head));
      } catch (IOException | RuntimeException e) {
        // Not of our making: it is taken as it is.
        return new PackedRecord(properties, ByteBuffer.wrap(body));
      }
    }
    return new PackedRecord(properties, ByteBuffer.wrap(body));
  }
}
