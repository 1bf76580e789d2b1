package io.commslib.http.server;

import io.commslib.core.time.SystemRuntime;
import io.commslib.http.Problem;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Routes on a real server, with clients. */
final class TestServer implements AutoCloseable {

  final SystemRuntime runtime = SystemRuntime.platformThreads();
  final HttpRoutes routes;
  final HttpServerComponent server;
  final HttpClient client = HttpClient.newHttpClient();

  TestServer(Consumer<HttpRoutes.Builder> settings) {
    HttpRoutes.Builder builder = HttpRoutes.builder(runtime);
    settings.accept(builder);
    routes = builder.build();
    server = HttpServerComponent.builder("test", routes, runtime).host("127.0.0.1").build();
    server.start();
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
        .timeout(Duration.ofSeconds(20));
  }

  HttpResponse<String> get(String path, String... headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request = request(path);
    if (headers.length > 0) {
      request.headers(headers);
    }
    return send(request);
  }

  HttpResponse<String> post(String path, String type, String body)
      throws IOException, InterruptedException {
    return send(
        request(path).header("Content-Type", type).POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  static Problem problem(HttpResponse<String> answer) {
    return Problem.parse(answer.body().getBytes(StandardCharsets.UTF_8), 500).orElseThrow();
  }

  /** Code and detail, as a log line shows them. */
  static String text(HttpResponse<String> answer) {
    Problem problem = problem(answer);
    return problem.code().orElse("") + ": " + problem.detail();
  }

  Socket connect() throws IOException {
    Socket socket = new Socket("127.0.0.1", server.port());
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(20_000);
    return socket;
  }

  static void write(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
    socket.getOutputStream().flush();
  }

  /** Reads one answer: its head, and as many bytes as it announces. */
  static List<String> read(Socket socket) throws IOException {
    InputStream in = new BufferedInputStream(socket.getInputStream(), 1);
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int c = in.read();
      if (c < 0) {
        return List.of();
      }
      head.append((char) c);
    }
    List<String> lines = new ArrayList<>(List.of(head.toString().split("\r\n")));
    for (String line : List.copyOf(lines)) {
      if (line.toLowerCase(java.util.Locale.ROOT).startsWith("content-length: ")) {
        int length = Integer.parseInt(line.substring(16).strip());
        lines.add(new String(in.readNBytes(length), StandardCharsets.UTF_8));
      }
    }
    return lines;
  }

  @Override
  public void close() {
    server.close();
    runtime.close();
  }
}
