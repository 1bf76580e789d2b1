package io.commslib.http.server;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.function.BooleanSupplier;

/** Answers the probes of an orchestrator, outside of every bound. Thread-safe. */
final class HealthAnswers {

  private final String livePath;
  private final String readyPath;
  private final BooleanSupplier ready;

  HealthAnswers(String livePath, String readyPath, BooleanSupplier ready) {
    this.livePath = livePath;
    this.readyPath = readyPath;
    this.ready = ready;
  }

  /** Returns whether the request was a probe; its answer is then written. */
  boolean answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getRawPath();
    boolean isLive = livePath.equals(path);
    if (!isLive && !readyPath.equals(path)) {
      return false;
    }
    try (exchange) {
      String method = exchange.getRequestMethod();
      if (!method.equals("GET") && !method.equals("HEAD")) {
        exchange.getResponseHeaders().set("Allow", "GET, HEAD");
        exchange.sendResponseHeaders(405, -1);
        return true;
      }
      boolean isUp = isLive || ready.getAsBoolean();
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.getResponseHeaders().set("Cache-Control", "no-store");
      byte[] body =
          (isUp ? "{\"status\":\"UP\"}" : "{\"status\":\"DOWN\"}").getBytes(StandardCharsets.UTF_8);
      if (method.equals("HEAD")) {
        exchange.sendResponseHeaders(isUp ? 200 : 503, -1);
      } else {
        exchange.sendResponseHeaders(isUp ? 200 : 503, body.length);
        exchange.getResponseBody().write(body);
      }
    }
    return true;
  }
}
