package io.commslib.http;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A server of bare sockets, for answers that no proper server gives. */
final class RawServer implements AutoCloseable {

  /** Serves one connection, which closes when this returns. */
  interface Script {
    void serve(Connection connection) throws IOException;
  }

  /** A connection of a client. */
  static final class Connection {
    private final BufferedReader in;
    private final OutputStream out;
    final int number;

    Connection(Socket socket, int number) throws IOException {
      this.in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
      this.out = socket.getOutputStream();
      this.number = number;
    }

    /** Reads a request without a body; returns its first line, or an empty text at the end. */
    String readHead() throws IOException {
      String first = in.readLine();
      String line = first;
      while (line != null && !line.isEmpty()) {
        line = in.readLine();
      }
      return first == null ? "" : first;
    }

    void write(String text) throws IOException {
      out.write(text.getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
    }

    /** Waits until the client closes. */
    void awaitEnd() throws IOException {
      while (in.read() >= 0) {
        continue;
      }
    }
  }

  final AtomicInteger ended = new AtomicInteger();
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private final ServerSocket server;

  RawServer(Script script) throws IOException {
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread accepting = new Thread(() -> accept(script), "raw-server");
    accepting.setDaemon(true);
    accepting.start();
  }

  private void accept(Script script) {
    AtomicInteger numbers = new AtomicInteger();
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        sockets.add(socket);
        int number = numbers.incrementAndGet();
        Thread serving = new Thread(() -> serve(script, socket, number), "raw-connection");
        serving.setDaemon(true);
        serving.start();
      } catch (IOException e) {
        return;
      }
    }
  }

  private void serve(Script script, Socket socket, int number) {
    try (socket) {
      script.serve(new Connection(socket, number));
    } catch (IOException e) {
      // The client has closed.
    } finally {
      ended.incrementAndGet();
    }
  }

  URI uri() {
    return URI.create("http://127.0.0.1:" + server.getLocalPort());
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : sockets) {
      socket.close();
    }
  }
}
