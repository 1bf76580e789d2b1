package io.commslib.core.idempotency;

import io.commslib.core.spi.Checks;
import java.util.Map;
import java.util.Objects;

/**
 * What a request answered, kept to answer its repetitions. Immutable.
 *
 * @since 0.1
 */
public final class StoredResult {

  /** Bytes of body a result holds at most. */
  public static final int MAX_BODY_BYTES = 1_048_576;

  /** Headers a result holds at most. */
  public static final int MAX_HEADERS = 32;

  /** Characters of a header's name and value, and of the media type, at most. */
  public static final int MAX_HEADER_CHARS = 2_048;

  private final int status;
  private final String contentType;
  private final byte[] body;
  private final Map<String, String> headers;

  /**
   * Creates a result.
   *
   * @param status status in the protocol's own numbers, 0 if it has none; 0 to 999
   * @param contentType media type of the body
   * @param body the answer; copied
   * @param headers those the handler chose to replay
   * @throws IllegalArgumentException {@code COMMS-IDEMPOTENCY-004} if a part is over its bound
   */
  public StoredResult(int status, String contentType, byte[] body, Map<String, String> headers) {
    this.status = bounded("status", status, 0, 999);
    this.contentType = Objects.requireNonNull(contentType, "contentType");
    bounded("contentType length", contentType.length(), 0, MAX_HEADER_CHARS);
    bounded("body bytes", body.length, 0, MAX_BODY_BYTES);
    bounded("headers", headers.size(), 0, MAX_HEADERS);
    this.body = body.clone();
    this.headers = Map.copyOf(headers);
    this.headers.forEach(
        (name, value) -> {
          bounded("header name length", name.length(), 1, MAX_HEADER_CHARS);
          bounded("header value length", value.length(), 0, MAX_HEADER_CHARS);
        });
  }

  private static int bounded(String name, int value, int min, int max) {
    return value >= min && value <= max
        ? value
        : Checks.inRange("COMMS-IDEMPOTENCY-004: " + name, value, min, max);
  }

  /**
   * Returns the status.
   *
   * @return in the protocol's own numbers
   */
  public int status() {
    return status;
  }

  /**
   * Returns the media type of the body.
   *
   * @return the media type
   */
  public String contentType() {
    return contentType;
  }

  /**
   * Returns the answer.
   *
   * @return a copy
   */
  public byte[] body() {
    return body.clone();
  }

  /**
   * Returns the headers to replay.
   *
   * @return unmodifiable
   */
  public Map<String, String> headers() {
    return headers;
  }
}
