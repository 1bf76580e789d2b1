package io.commslib.grpc;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Speaks as much HTTP/2 as a test needs that a real server does not do on request: it refuses
 * streams, and announces which ones it has not seen. Whole requests are answered with an empty
 * message.
 */
final class RawHttp2Server implements AutoCloseable {

  private static final int HEADERS = 1;
  private static final int RST_STREAM = 3;
  private static final int SETTINGS = 4;
  private static final int PING = 6;
  private static final int GOAWAY = 7;
  private static final int ACK = 1;
  private static final int END_STREAM = 1;
  private static final int END_HEADERS = 4;
  private static final int REFUSED_STREAM = 7;

  /** Decides about a stream that has begun. */
  interface Script {
    void begun(int connection, int stream, Connection to) throws IOException;
  }

  final List<String> answered = new CopyOnWriteArrayList<>();
  private final ServerSocket socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final Script script;
  private int connections;

  RawHttp2Server(Script script) throws IOException {
    this.script = script;
    Thread acceptor = new Thread(this::accept, "raw-http2");
    acceptor.setDaemon(true);
    acceptor.start();
  }

  int port() {
    return socket.getLocalPort();
  }

  private void accept() {
    try {
      while (true) {
        Socket accepted = socket.accept();
        Connection connection = new Connection(++connections, accepted);
        Thread reader = new Thread(connection::read, "raw-http2-" + connections);
        reader.setDaemon(true);
        reader.start();
      }
    } catch (IOException e) {
      // Closed.
    }
  }

  final class Connection {
    private final int number;
    private final Socket accepted;
    private OutputStream out;

    Connection(int number, Socket accepted) {
      this.number = number;
      this.accepted = accepted;
    }

    private void read() {
      try (accepted) {
        DataInputStream in = new DataInputStream(accepted.getInputStream());
        out = accepted.getOutputStream();
        in.skipNBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".length());
        frame(SETTINGS, 0, 0, new byte[0]);
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
            script.begun(number, stream, this);
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

    void refuse(int stream) throws IOException {
      frame(RST_STREAM, 0, stream, ByteBuffer.allocate(4).putInt(REFUSED_STREAM).array());
    }

    /** States that streams after the last one were not seen. */
    void goAway(int last) throws IOException {
      frame(GOAWAY, 0, 0, ByteBuffer.allocate(8).putInt(last).putInt(0).array());
    }

    void answer(int stream) throws IOException {
      answered.add(number + "/" + stream);
      ByteArrayOutputStream head = new ByteArrayOutputStream();
      head.write(0x88); // :status 200
      literal(head, "content-type", "application/grpc");
      frame(HEADERS, END_HEADERS, stream, head.toByteArray());
      frame(0, 0, stream, new byte[5]);
      ByteArrayOutputStream trailers = new ByteArrayOutputStream();
      literal(trailers, "grpc-status", "0");
      frame(HEADERS, END_HEADERS | END_STREAM, stream, trailers.toByteArray());
    }

    private static void literal(ByteArrayOutputStream to, String name, String value) {
      to.write(0);
      to.write(name.length());
      to.writeBytes(name.getBytes(StandardCharsets.US_ASCII));
      to.write(value.length());
      to.writeBytes(value.getBytes(StandardCharsets.US_ASCII));
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
