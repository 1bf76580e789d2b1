package io.commslib.core.idempotency;

import java.util.Map;
import java.util.Objects;

/**
 * What a request answered, kept to answer its repetitions. Immutable.
 *
 * @since 0.1
 */
public final class StoredResult {

  private final int status;
  private final String contentType;
  private final byte[] body;
  private final Map<String, String> headers;

  /**
   * Creates a result.
   *
   * @param status status in the protocol's own numbers, 0 if it has none
   * @param contentType media type of the body
   * @param body the answer; copied
   * @param headers those the handler chose to replay
   */
  public StoredResult(int status, String contentType, byte[] body, Map<String, String> headers) {
    this.status = status;
    this.contentType = Objects.requireNonNull(contentType, "contentType");
    this.body = body.clone();
    this.headers = Map.copyOf(headers);
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
