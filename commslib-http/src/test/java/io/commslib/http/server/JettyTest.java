package io.commslib.http.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallContext;
import io.commslib.core.time.SystemRuntime;
import io.commslib.http.Problem;
import java.io.InputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The routes on another server, through the SPI. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class JettyTest {

  /** The whole adapter. */
  private static final class Adapter extends Handler.Abstract {
    private final HttpRoutes routes;

    Adapter(HttpRoutes routes) {
      this.routes = routes;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
      ServerAnswer answer = routes.handle(new JettyRequest(request));
      response.setStatus(answer.status());
      answer.headers().forEach((name, values) -> response.getHeaders().put(name, values));
      response.getHeaders().put("Content-Length", answer.contentLength());
      response.write(true, ByteBuffer.wrap(answer.body()), callback);
      answer
          .jvmFailure()
          .ifPresent(
              failure -> {
                throw failure;
              });
      return true;
    }
  }

  private record JettyRequest(Request request) implements ServerRequest {
    @Override
    public String method() {
      return request.getMethod();
    }

    @Override
    public String rawPath() {
      return request.getHttpURI().getPath();
    }

    @Override
    public String rawQuery() {
      String query = request.getHttpURI().getQuery();
      return query == null ? "" : query;
    }

    @Override
    public List<String> headers(String name) {
      return request.getHeaders().getValuesList(name);
    }

    @Override
    public InputStream body() {
      return Content.Source.asInputStream(request);
    }
  }

  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final Server server = new Server();
  private final ServerConnector connector = new ServerConnector(server, factory());

  private static HttpConnectionFactory factory() {
    HttpConfiguration config = new HttpConfiguration();
    // By default Jetty refuses an encoded slash, which the routes handle.
    config.setUriCompliance(
        UriCompliance.DEFAULT.with(
            "encoded slash", UriCompliance.Violation.AMBIGUOUS_PATH_SEPARATOR));
    return new HttpConnectionFactory(config);
  }

  @BeforeEach
  void start() throws Exception {
    HttpRoutes routes =
        HttpRoutes.builder(runtime)
            .idleTime(Duration.ofMillis(200))
            .route(
                "GET /orders/{id}",
                request ->
                    HttpAnswer.of(200)
                        .withBytes(
                            "text/plain", request.variable("id").getBytes(StandardCharsets.UTF_8)))
            .route(
                "PUT /orders/{id}",
                byte[].class,
                (request, bytes) ->
                    HttpAnswer.of(200)
                        .withBytes("text/plain", bytes)
                        .withHeader(
                            "X-Has-Deadline",
                            String.valueOf(CallContext.current().deadline().isPresent())))
            .route(
                "GET /fails",
                request -> {
                  throw new IllegalStateException("hunter2");
                })
            .build();
    connector.setHost("127.0.0.1");
    server.addConnector(connector);
    server.setHandler(new Adapter(routes));
    server.start();
  }

  @AfterEach
  void stop() throws Exception {
    server.stop();
    runtime.close();
  }

  private List<String> send(String request) throws Exception {
    try (Socket socket = new Socket("127.0.0.1", connector.getLocalPort())) {
      socket.setSoTimeout(20_000);
      TestServer.write(socket, request);
      return TestServer.read(socket);
    }
  }

  @Test
  void servesTheRoutes() throws Exception {
    assertThat(send("GET /orders/a%2Fb HTTP/1.1\r\nHost: x\r\n\r\n"))
        .contains("HTTP/1.1 200 OK", "a/b");
    assertThat(send("PUT /orders/7 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"))
        .contains("X-Has-Deadline: true", "abc");
    List<String> head =
        send("HEAD /orders/1234567 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assertThat(head).anyMatch(line -> line.equalsIgnoreCase("Content-Length: 7"));
    assertThat(send("POST /orders/7 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"))
        .anyMatch(line -> line.equals("Allow: GET, HEAD, OPTIONS, PUT"));
  }

  @Test
  void failuresBecomeProblems() throws Exception {
    List<String> answer = send("GET /fails HTTP/1.1\r\nHost: x\r\n\r\n");
    assertThat(answer.get(0)).contains("500");
    String body = answer.get(answer.size() - 1);
    assertThat(body).doesNotContain("hunter2");
    assertThat(Problem.parse(body.getBytes(StandardCharsets.UTF_8), 500).orElseThrow().code())
        .contains("COMMS-HTTP-109");
  }

  @Test
  void aBodyThatStallsIsAnsweredWithAProblem() throws Exception {
    List<String> answer =
        send("PUT /orders/7 HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    assertThat(answer.get(0)).contains("408");
    Problem problem =
        Problem.parse(answer.get(answer.size() - 1).getBytes(StandardCharsets.UTF_8), 500)
            .orElseThrow();
    assertThat(problem.code().orElse("") + ": " + problem.detail())
        .isEqualTo(
            "COMMS-HTTP-114: body: too slow (expected: before the deadline, and no pause over the"
                + " idleTime of PT0.2S)");
    assertThat(send("GET /orders/7 HTTP/1.1\r\nHost: x\r\n\r\n").get(0)).contains("200");
  }
}
