package io.commslib.testkit.servers;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * Opens an AMQP 0-9-1 connection as far as {@code connection.open-ok}: a node accepts sockets
 * before it serves clients.
 */
final class AmqpHandshake {

  private static final int TIMEOUT_MILLIS = 3_000;
  private static final int CONNECTION = 10;
  private static final int START = 10;
  private static final int START_OK = 11;
  private static final int TUNE = 30;
  private static final int TUNE_OK = 31;
  private static final int OPEN = 40;
  private static final int OPEN_OK = 41;
  private static final int CLOSE = 50;
  private static final int CLOSE_OK = 51;
  private static final int METHOD_FRAME = 1;
  private static final int FRAME_END = 0xCE;
  private static final int REPLY_SUCCESS = 200;

  private final DataInputStream in;
  private final DataOutputStream out;

  private AmqpHandshake(Socket socket) throws IOException {
    in = new DataInputStream(socket.getInputStream());
    out = new DataOutputStream(socket.getOutputStream());
  }

  static boolean succeeds(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress("127.0.0.1", port), TIMEOUT_MILLIS);
      socket.setSoTimeout(TIMEOUT_MILLIS);
      new AmqpHandshake(socket).run();
      return true;
    } catch (IOException notYet) {
      return false;
    }
  }

  private void run() throws IOException {
    out.write(new byte[] {'A', 'M', 'Q', 'P', 0, 0, 9, 1});
    out.flush();
    expect(START);
    send(
        START_OK,
        arguments -> {
          arguments.writeInt(0);
          shortString(arguments, "PLAIN");
          byte[] login = "\0guest\0guest".getBytes(StandardCharsets.US_ASCII);
          arguments.writeInt(login.length);
          arguments.write(login);
          shortString(arguments, "en_US");
        });
    DataInputStream tune = expect(TUNE);
    int channelMax = tune.readUnsignedShort();
    int frameMax = tune.readInt();
    send(
        TUNE_OK,
        arguments -> {
          arguments.writeShort(channelMax);
          arguments.writeInt(frameMax);
          arguments.writeShort(0);
        });
    send(
        OPEN,
        arguments -> {
          shortString(arguments, "/");
          shortString(arguments, "");
          arguments.writeByte(0);
        });
    expect(OPEN_OK);
    send(
        CLOSE,
        arguments -> {
          arguments.writeShort(REPLY_SUCCESS);
          shortString(arguments, "ready");
          arguments.writeInt(0);
        });
    expect(CLOSE_OK);
  }

  private DataInputStream expect(int method) throws IOException {
    in.readUnsignedByte();
    in.readUnsignedShort();
    byte[] payload = in.readNBytes(in.readInt());
    in.readUnsignedByte();
    DataInputStream arguments = new DataInputStream(new ByteArrayInputStream(payload));
    if (arguments.readUnsignedShort() != CONNECTION || arguments.readUnsignedShort() != method) {
      throw new IOException("not the expected method");
    }
    return arguments;
  }

  private void send(int method, Arguments arguments) throws IOException {
    ByteArrayOutputStream payload = new ByteArrayOutputStream();
    DataOutputStream fields = new DataOutputStream(payload);
    fields.writeShort(CONNECTION);
    fields.writeShort(method);
    arguments.write(fields);
    out.writeByte(METHOD_FRAME);
    out.writeShort(0);
    out.writeInt(payload.size());
    payload.writeTo(out);
    out.writeByte(FRAME_END);
    out.flush();
  }

  private static void shortString(DataOutputStream to, String text) throws IOException {
    to.writeByte(text.length());
    to.writeBytes(text);
  }

  private interface Arguments {
    void write(DataOutputStream to) throws IOException;
  }
}
