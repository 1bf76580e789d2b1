package io.commslib.http.server;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsExchange;
import io.commslib.core.tls.PeerIdentity;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;

/** A request and its answer on the JDK's server. Confined to one thread. */
final class JdkExchange implements ServerRequest {

  /** A caller that reads slowly is noticed after each of these. */
  private static final int CHUNK_BYTES = 65_536;

  private final HttpExchange exchange;

  JdkExchange(HttpExchange exchange) {
    this.exchange = exchange;
  }

  @Override
  public String method() {
    return exchange.getRequestMethod();
  }

  @Override
  public String rawPath() {
    String path = exchange.getRequestURI().getRawPath();
    return path == null ? "" : path;
  }

  @Override
  public String rawQuery() {
    String query = exchange.getRequestURI().getRawQuery();
    return query == null ? "" : query;
  }

  @Override
  public List<String> headers(String name) {
    List<String> values = exchange.getRequestHeaders().get(name);
    return values == null ? List.of() : values;
  }

  @Override
  public InputStream body() {
    return exchange.getRequestBody();
  }

  @Override
  public Optional<PeerIdentity> peer() {
    return exchange instanceof HttpsExchange secured
        ? PeerIdentity.of(secured.getSSLSession())
        : Optional.empty();
  }

  void write(ServerAnswer answer, RequestRun run) throws IOException {
    answer.headers().forEach((name, values) -> exchange.getResponseHeaders().put(name, values));
    byte[] body = answer.body();
    if (body.length == 0) {
      if (answer.contentLength() > 0) {
        // Of HEAD: the JDK's server writes this field as it is.
        String length = Integer.toString(answer.contentLength());
        exchange.getResponseHeaders().set("Content-Length", length);
      }
      exchange.sendResponseHeaders(answer.status(), -1);
      return;
    }
    exchange.sendResponseHeaders(answer.status(), body.length);
    OutputStream out = exchange.getResponseBody();
    for (int at = 0; at < body.length; at += CHUNK_BYTES) {
      run.progress();
      out.write(body, at, Math.min(CHUNK_BYTES, body.length - at));
    }
    out.close();
  }
}
