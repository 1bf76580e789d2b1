package io.commslib.grpc;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Speaks as much HTTP/2 as a test needs that no channel does on request: it opens streams on one
 * connection without an end. It asks the server not to compress heads, so that they can be read as
 * text.
 */
final class RawHttp2Client implements AutoCloseable {

  private static final int HEADERS = 1;
  private static final int RST_STREAM = 3;
  private static final int SETTINGS = 4;
  private static final int PING = 6;
  private static final int ACK = 1;
  private static final int END_STREAM = 1;
  private static final int END_HEADERS = 4;
  private static final int CANCEL = 8;
  private static final short HEADER_TABLE_SIZE = 1;

  private final Socket socket;
  private final OutputStream out;
  private final Map<Integer, String> heads = new ConcurrentHashMap<>();
  private final Map<Integer, String> ends = new ConcurrentHashMap<>();
  private int next = 1;

  RawHttp2Client(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    out = new BufferedOutputStream(socket.getOutputStream());
    out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    frame(SETTINGS, 0, 0, ByteBuffer.allocate(6).putShort(HEADER_TABLE_SIZE).putInt(0).array());
    Thread reader = new Thread(this::read, "raw-http2-client");
    reader.setDaemon(true);
    reader.start();
  }

  /** Begins a call whose request does not come; returns its stream. */
  int open(String path, String content) throws IOException {
    int stream = next;
    next += 2;
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    head.write(0x83); // :method POST
    head.write(0x86); // :scheme http
    literal(head, ":path", path);
    literal(head, ":authority", "stock");
    literal(head, "content-type", "application/grpc");
    literal(head, "te", "trailers");
    literal(head, "content", content);
    frame(HEADERS, END_HEADERS, stream, head.toByteArray());
    return stream;
  }

  /** Makes a call with an empty message. */
  int openWhole(String path) throws IOException {
    int stream = open(path, "");
    frame(0, END_STREAM, stream, new byte[5]);
    return stream;
  }

  void reset(int stream) throws IOException {
    frame(RST_STREAM, 0, stream, ByteBuffer.allocate(4).putInt(CANCEL).array());
  }

  /** The number of streams whose trailers have arrived. */
  int ended() {
    return ends.size();
  }

  /** The number of streams whose trailers have a text. */
  int endedWith(String text) {
    return (int) ends.values().stream().filter(end -> end.contains(text)).count();
  }

  /** Whether a stream has got an answer that is a success. */
  boolean isAnswered(int stream) {
    return heads.containsKey(stream)
        && ends.getOrDefault(stream, "").contains("grpc-status\u00010");
  }

  private void read() {
    try {
      DataInputStream in = new DataInputStream(socket.getInputStream());
      while (true) {
        int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
        int type = in.readUnsignedByte();
        int flags = in.readUnsignedByte();
        int stream = in.readInt() & 0x7fffffff;
        byte[] content = in.readNBytes(length);
        if (type == SETTINGS && (flags & ACK) == 0) {
          frame(SETTINGS, ACK, 0, new byte[0]);
        } else if (type == PING && (flags & ACK) == 0) {
          frame(PING, ACK, 0, content);
        } else if (type == HEADERS) {
          Map<Integer, String> seen = (flags & END_STREAM) == 0 ? heads : ends;
          seen.put(stream, new String(content, StandardCharsets.ISO_8859_1));
        }
      }
    } catch (IOException e) {
      // The other side has gone.
    }
  }

  private synchronized void frame(int type, int flags, int stream, byte[] content)
      throws IOException {
    ByteBuffer head = ByteBuffer.allocate(9 + content.length);
    head.put((byte) (content.length >> 16)).putShort((short) content.length);
    head.put((byte) type).put((byte) flags).putInt(stream).put(content);
    out.write(head.array());
    out.flush();
  }

  private static void literal(ByteArrayOutputStream to, String name, String value) {
    to.write(0x10); // never to be indexed
    to.write(name.length());
    to.writeBytes(name.getBytes(StandardCharsets.US_ASCII));
    to.write(value.length());
    to.writeBytes(value.getBytes(StandardCharsets.US_ASCII));
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
