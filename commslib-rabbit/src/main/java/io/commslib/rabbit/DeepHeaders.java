package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.impl.ValueReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Headers that are nested deeper than the client reads. The client ends the connection at such a
 * record, and the broker then redelivers it. So before the client reads a record, each table or
 * list below its limit is changed to bytes with a mark ({@link #readable}), and back afterwards
 * ({@link #restored}).
 *
 * <p>Tables are restored down to {@link #MAX_DEPTH}, a bound for recursion. Below it a table or
 * list stays bytes. Headers that can't be read at all become one header with their bytes.
 */
final class DeepHeaders {

  /** The deepest table or list that is restored; the table of all headers has depth 0. */
  static final int MAX_DEPTH = 256;

  /** Name of the header with the bytes of headers that can't be read. */
  static final String UNREADABLE = "x-unreadable-headers";

  /** The deepest table or list that the client reads. */
  private static final int CLIENT_DEPTH = 32;

  /** In front of bytes that stand for another value, whose type follows. */
  private static final byte[] MARK = "deep-value:".getBytes(StandardCharsets.US_ASCII);

  private static final int HAS_CONTENT_TYPE = 1 << 15;
  private static final int HAS_CONTENT_ENCODING = 1 << 14;
  private static final int HAS_HEADERS = 1 << 13;

  private DeepHeaders() {}

  /** The value is not encoded as AMQP requires, or has a type that is not known here. */
  private static final class UnknownValueException extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /**
   * Returns encoded properties that the client can read.
   *
   * @param encoded the bytes that contain them; not changed
   * @param flagsAt index of their flags, up to whose end the bytes are copied
   * @return {@code encoded} itself if the client can read it
   */
  static byte[] readable(byte[] encoded, int flagsAt) {
    int tableAt;
    ByteBuffer table;
    try {
      tableAt = tableAt(encoded, flagsAt);
      if (tableAt < 0) {
        return encoded;
      }
      table = content(ByteBuffer.wrap(encoded).position(tableAt));
    } catch (RuntimeException e) {
      // Not even the lengths can be read, so the frame itself is broken.
      return encoded;
    }
    byte[] changed;
    try {
      if (!mustChange(table.duplicate(), true, 0)) {
        return encoded;
      }
      changed = changed(table.duplicate(), true, 0);
    } catch (RuntimeException e) {
      changed = unreadable(table.duplicate());
    }
    int end = tableAt + Integer.BYTES + table.remaining();
    return ByteBuffer.allocate(tableAt + Integer.BYTES + changed.length + encoded.length - end)
        .put(encoded, 0, tableAt)
        .putInt(changed.length)
        .put(changed)
        .put(encoded, end, encoded.length - end)
        .array();
  }

  /** {@return the index of the length of the headers; -1 if there are none} */
  private static int tableAt(byte[] encoded, int flagsAt) {
    ByteBuffer in = ByteBuffer.wrap(encoded).position(flagsAt);
    int flags = in.getShort();
    if ((flags & HAS_HEADERS) == 0) {
      return -1;
    }
    if ((flags & HAS_CONTENT_TYPE) != 0) {
      skip(in, Byte.toUnsignedInt(in.get()));
    }
    if ((flags & HAS_CONTENT_ENCODING) != 0) {
      skip(in, Byte.toUnsignedInt(in.get()));
    }
    return in.position();
  }

  /** {@return whether values are nested too deep, or could be taken for changed ones} */
  private static boolean mustChange(ByteBuffer in, boolean isTable, int depth) {
    while (in.hasRemaining()) {
      if (isTable) {
        skip(in, Byte.toUnsignedInt(in.get()));
      }
      byte type = in.get();
      if (isContainer(type)) {
        ByteBuffer content = content(in);
        if (depth == CLIENT_DEPTH || mustChange(content, type == 'F', depth + 1)) {
          return true;
        }
      } else if (type == 'x') {
        if (isMarked(content(in))) {
          return true;
        }
      } else {
        skip(in, size(type, in));
      }
    }
    return false;
  }

  private static byte[] changed(ByteBuffer in, boolean isTable, int depth) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    try {
      while (in.hasRemaining()) {
        if (isTable) {
          int length = Byte.toUnsignedInt(in.get());
          out.writeByte(length);
          copy(in, length, out);
        }
        byte type = in.get();
        if (isContainer(type)) {
          ByteBuffer content = content(in);
          if (depth == CLIENT_DEPTH) {
            writeMarked(type, content, out);
          } else {
            byte[] inner = changed(content, type == 'F', depth + 1);
            out.writeByte(type);
            out.writeInt(inner.length);
            out.write(inner);
          }
        } else if (type == 'x') {
          writeMarked(type, content(in), out);
        } else {
          out.writeByte(type);
          copy(in, size(type, in), out);
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException("writes to memory only", e);
    }
    return bytes.toByteArray();
  }

  /** {@return a table whose only header has the bytes of the given one} */
  private static byte[] unreadable(ByteBuffer table) {
    byte[] name = UNREADABLE.getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(2 + name.length + Integer.BYTES + table.remaining())
        .put((byte) name.length)
        .put(name)
        .put((byte) 'x')
        .putInt(table.remaining())
        .put(table)
        .array();
  }

  private static void writeMarked(byte type, ByteBuffer content, DataOutputStream out)
      throws IOException {
    out.writeByte('x');
    out.writeInt(MARK.length + 1 + content.remaining());
    out.write(MARK);
    out.writeByte(type);
    copy(content, content.remaining(), out);
  }

  private static void copy(ByteBuffer in, int length, DataOutputStream out) throws IOException {
    if (length > in.remaining()) {
      throw new UnknownValueException();
    }
    out.write(in.array(), in.arrayOffset() + in.position(), length);
    skip(in, length);
  }

  private static boolean isContainer(byte type) {
    return type == 'F' || type == 'A';
  }

  /** {@return the bytes of a value that begins with its length; skips them} */
  private static ByteBuffer content(ByteBuffer in) {
    int length = in.getInt();
    if (length < 0 || length > in.remaining()) {
      throw new UnknownValueException();
    }
    ByteBuffer content = in.slice();
    content.limit(length);
    skip(in, length);
    return content;
  }

  private static void skip(ByteBuffer in, int length) {
    in.position(in.position() + length);
  }

  /** {@return the number of bytes of a value that is no container, by the types of the client} */
  private static int size(byte type, ByteBuffer in) {
    return switch (type) {
      case 'V' -> 0;
      case 't', 'b', 'B' -> 1;
      case 's', 'u' -> 2;
      case 'I', 'i', 'f' -> 4;
      case 'D' -> 5;
      case 'T', 'd', 'l' -> 8;
      case 'S' -> Math.addExact(Integer.BYTES, Math.max(0, in.getInt(in.position())));
      default -> throw new UnknownValueException();
    };
  }

  private static boolean isMarked(ByteBuffer content) {
    return content.remaining() > MARK.length
        && content.slice().limit(MARK.length).equals(ByteBuffer.wrap(MARK));
  }

  /** {@return properties with the headers as they were before {@link #readable}} */
  static AMQP.BasicProperties restored(AMQP.BasicProperties properties) {
    Map<String, Object> headers = properties.getHeaders();
    if (headers == null) {
      return properties;
    }
    for (Object value : headers.values()) {
      if (isChanged(value)) {
        Map<String, Object> restored = new LinkedHashMap<>();
        headers.forEach((name, header) -> restored.put(name, restored(header, 1)));
        return properties.builder().headers(restored).build();
      }
    }
    return properties;
  }

  private static boolean isChanged(@Nullable Object value) {
    if (value instanceof byte[] bytes) {
      return isMarked(ByteBuffer.wrap(bytes));
    }
    if (value instanceof Map<?, ?> table) {
      return table.values().stream().anyMatch(DeepHeaders::isChanged);
    }
    return value instanceof List<?> list && list.stream().anyMatch(DeepHeaders::isChanged);
  }

  private static @Nullable Object restored(@Nullable Object value, int depth) {
    if (value instanceof byte[] bytes && isMarked(ByteBuffer.wrap(bytes))) {
      byte type = bytes[MARK.length];
      byte[] content = Arrays.copyOfRange(bytes, MARK.length + 1, bytes.length);
      return type == 'x' || depth > MAX_DEPTH ? content : restored(read(type, content), depth);
    }
    if (value instanceof Map<?, ?> table) {
      Map<String, Object> restored = new LinkedHashMap<>();
      table.forEach((name, item) -> restored.put(String.valueOf(name), restored(item, depth + 1)));
      return restored;
    }
    if (value instanceof List<?> list) {
      List<Object> restored = new ArrayList<>();
      list.forEach(item -> restored.add(restored(item, depth + 1)));
      return restored;
    }
    return value;
  }

  /** Reads a table or list with the client, as the only value of a table. */
  private static @Nullable Object read(byte type, byte[] content) {
    byte[] single =
        ByteBuffer.allocate(2 + Integer.BYTES + content.length)
            .put((byte) 0)
            .put(type)
            .putInt(content.length)
            .put(content)
            .array();
    try {
      byte[] changed = changed(ByteBuffer.wrap(single), true, 0);
      byte[] table =
          ByteBuffer.allocate(Integer.BYTES + changed.length)
              .putInt(changed.length)
              .put(changed)
              .array();
      return new ValueReader(new DataInputStream(new ByteArrayInputStream(table)))
          .readTable()
          .get("");
    } catch (IOException | RuntimeException e) {
      return content;
    }
  }
}
