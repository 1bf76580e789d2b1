package io.commslib.http.server;

import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Prints the time of 100 answers on one connection, in a JVM of its own. */
final class AnswerTimeMain {

  private static final int ANSWERS = 100;

  private AnswerTimeMain() {}

  public static void main(String[] args) throws Exception {
    try (TestServer server =
            new TestServer(
                routes ->
                    routes
                        .maxTimeout(Duration.ofMinutes(10))
                        .route(
                            "GET /small",
                            request -> HttpAnswer.of(200).withBytes("text/plain", new byte[100])));
        Socket socket = server.connect()) {
      exchange(socket);
      long begin = System.nanoTime();
      exchange(socket);
      System.out.println(
          "millis " + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin) / ANSWERS);
      System.out.println("head " + System.getProperty("sun.net.httpserver.maxReqTime"));
      if (args.length > 0) {
        try (Socket slow = server.connect()) {
          TestServer.write(slow, "GET /small HTTP/1.1\r\nHos");
          System.out.println("end " + slow.getInputStream().read());
        }
      }
    }
  }

  private static void exchange(Socket socket) throws Exception {
    for (int i = 0; i < ANSWERS; i++) {
      TestServer.write(socket, "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
      if (!TestServer.read(socket).get(0).contains("200")) {
        throw new IllegalStateException("no answer");
      }
    }
  }
}
