package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.impl.Frame;
import com.rabbitmq.client.impl.ValueReader;
import com.rabbitmq.client.impl.ValueWriter;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Headers with field types that the client reads but does not write. */
final class RawProperties extends AMQP.BasicProperties {

  private static final int HEADERS_ALONE = 0x2000;

  private final Map<String, Object> plain;
  private final String name;
  private final byte[] field;

  /**
   * @param plain headers that the client can write
   * @param name of one more header
   * @param field its type and its value, as encoded
   */
  RawProperties(Map<String, Object> plain, String name, byte[] field) {
    this.plain = plain;
    this.name = name;
    this.field = field.clone();
  }

  byte[] field() {
    return field.clone();
  }

  @Override
  public Frame toFrame(int channel, long bodySize) throws IOException {
    ByteArrayOutputStream table = new ByteArrayOutputStream();
    DataOutputStream entries = new DataOutputStream(table);
    ValueWriter writer = new ValueWriter(entries);
    for (Map.Entry<String, Object> entry : plain.entrySet()) {
      writer.writeShortstr(entry.getKey());
      writer.writeFieldValue(entry.getValue());
    }
    writer.writeShortstr(name);
    entries.write(field);
    Frame frame = new Frame(AMQP.FRAME_HEADER, channel);
    DataOutputStream out = frame.getOutputStream();
    out.writeShort(getClassId());
    out.writeShort(0);
    out.writeLong(bodySize);
    out.writeShort(HEADERS_ALONE);
    out.writeInt(table.size());
    out.write(table.toByteArray());
    return frame;
  }

  /** {@return the types of all fields in a value as the client encodes it} */
  static Set<Character> types(Object value) {
    Set<Character> types = new TreeSet<>();
    types.add((char) (encoded(value)[0] & 0xff));
    if (value instanceof Map<?, ?> table) {
      table.values().forEach(item -> types.addAll(types(item)));
    } else if (value instanceof Collection<?> list) {
      list.forEach(item -> types.addAll(types(item)));
    }
    return types;
  }

  private static byte[] encoded(Object value) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      new ValueWriter(new DataOutputStream(bytes)).writeFieldValue(value);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** {@return all types that the client can read} */
  static Set<Character> readableTypes() {
    Set<Character> read = new TreeSet<>();
    for (int type = 0; type < 256; type++) {
      byte[] table = new byte[4 + 2 + 1 + 8];
      byte[] entry = "\1n".getBytes(StandardCharsets.ISO_8859_1);
      System.arraycopy(entry, 0, table, 4, entry.length);
      table[6] = (byte) type;
      // Tries all lengths from the shortest value on.
      for (int length = 7; length <= table.length; length++) {
        table[3] = (byte) (length - 4);
        if (reads(Arrays.copyOf(table, length))) {
          read.add((char) type);
        }
      }
    }
    return read;
  }

  private static boolean reads(byte[] table) {
    try {
      new ValueReader(new DataInputStream(new ByteArrayInputStream(table))).readTable();
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
