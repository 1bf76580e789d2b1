package io.commslib.testkit.servers;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.security.SecureRandom;

/**
 * Finds ports that a server can use now and after a restart.
 *
 * <p>They lie below the system's range for outgoing connections. Within that range a client that
 * keeps reconnecting to a dead server is eventually assigned the server's port as its own port. It
 * is then connected to itself, and the server can't restart.
 */
final class FreePorts {

  private static final int LOWEST = 15_000;
  private static final int HIGHEST = 31_999;
  private static final int ATTEMPTS = 200;
  private static final SecureRandom RANDOM = new SecureRandom();

  private FreePorts() {}

  static int next() {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      int port = LOWEST + RANDOM.nextInt(HIGHEST - LOWEST + 1);
      if (isFree(port)) {
        return port;
      }
    }
    throw new ServerUnavailableException(
        "no free port on 127.0.0.1 (tried " + ATTEMPTS + " of " + LOWEST + ".." + HIGHEST + ")",
        null);
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException taken) {
      return false;
    }
  }
}
