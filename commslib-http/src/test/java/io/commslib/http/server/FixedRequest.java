package io.commslib.http.server;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.util.List;

/** A request without header fields and body. */
record FixedRequest(String method, String rawPath) implements ServerRequest {

  @Override
  public String rawQuery() {
    return "";
  }

  @Override
  public List<String> headers(String name) {
    return List.of();
  }

  @Override
  public InputStream body() {
    return new ByteArrayInputStream(new byte[0]);
  }
}
