package io.commslib.testkit.servers;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;

/** Requests a broker's API versions, as every client does first. */
final class KafkaHandshake {

  private static final int TIMEOUT_MILLIS = 2_000;
  private static final short API_VERSIONS = 18;
  private static final int CORRELATION_ID = 7;

  private KafkaHandshake() {}

  static boolean succeeds(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress("127.0.0.1", port), TIMEOUT_MILLIS);
      socket.setSoTimeout(TIMEOUT_MILLIS);
      DataOutputStream out = new DataOutputStream(socket.getOutputStream());
      out.writeInt(Short.BYTES + Short.BYTES + Integer.BYTES + Short.BYTES);
      out.writeShort(API_VERSIONS);
      out.writeShort(0);
      out.writeInt(CORRELATION_ID);
      out.writeShort(-1);
      out.flush();
      DataInputStream in = new DataInputStream(socket.getInputStream());
      in.readInt();
      boolean answersUs = in.readInt() == CORRELATION_ID;
      return answersUs && in.readShort() == 0;
    } catch (IOException notYet) {
      return false;
    }
  }
}
