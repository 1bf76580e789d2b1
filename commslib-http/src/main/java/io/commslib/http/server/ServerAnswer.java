package io.commslib.http.server;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * An answer as a server sends it. Adapters for servers read it. Names and values of its header
 * fields have no control characters. Immutable, except that the body is not copied.
 */
public final class ServerAnswer {

  private static final byte[] NOTHING = {};

  private final int status;
  private final Map<String, List<String>> headers;
  private final byte[] body;
  private final boolean bodyOmitted;
  private final @Nullable Error jvmFailure;

  private ServerAnswer(
      int status,
      Map<String, List<String>> headers,
      byte[] body,
      boolean bodyOmitted,
      @Nullable Error jvmFailure) {
    this.status = status;
    this.headers = headers;
    this.body = body;
    this.bodyOmitted = bodyOmitted;
    this.jvmFailure = jvmFailure;
  }

  static ServerAnswer of(int status, Map<String, List<String>> headers, byte[] body) {
    Map<String, List<String>> sorted = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    sorted.putAll(headers);
    return new ServerAnswer(status, Collections.unmodifiableMap(sorted), body, false, null);
  }

  /** Returns an answer with header fields that are sorted already, and no longer changed. */
  static ServerAnswer ofSorted(int status, TreeMap<String, List<String>> headers, byte[] body) {
    return new ServerAnswer(status, Collections.unmodifiableMap(headers), body, false, null);
  }

  ServerAnswer with(Map<String, List<String>> more) {
    if (more.isEmpty()) {
      return this;
    }
    Map<String, List<String>> all = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    all.putAll(headers);
    all.putAll(more);
    return new ServerAnswer(
        status, Collections.unmodifiableMap(all), body, bodyOmitted, jvmFailure);
  }

  ServerAnswer withoutBody() {
    return new ServerAnswer(status, headers, body, true, jvmFailure);
  }

  ServerAnswer after(Error failure) {
    return new ServerAnswer(status, headers, body, bodyOmitted, failure);
  }

  /** {@return the status code, 200 to 599} */
  public int status() {
    return status;
  }

  /**
   * {@return the header fields without {@code Content-Length}, unmodifiable; names are compared
   * without regard to case}
   */
  public Map<String, List<String>> headers() {
    return headers;
  }

  /** {@return the body to write, empty for {@code HEAD}; not to be changed} */
  public byte[] body() {
    return bodyOmitted ? NOTHING : body;
  }

  /**
   * {@return the value of {@code Content-Length}, which for {@code HEAD} is that of {@code GET}}
   */
  public int contentLength() {
    return body.length;
  }

  /** {@return whether the connection ends after this answer} */
  public boolean closesConnection() {
    return headers.containsKey("Connection");
  }

  /**
   * Returns the failure of the JVM that ended the handler. An adapter writes the answer first and
   * then throws the failure, so that whatever watches the thread sees it.
   *
   * @return the failure, or empty
   */
  public Optional<Error> jvmFailure() {
    return Optional.ofNullable(jvmFailure);
  }

  /** {@return the status, for log lines; no content} */
  @Override
  public String toString() {
    return "ServerAnswer{" + status + "}";
  }
}
