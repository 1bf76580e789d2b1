package io.commslib.core.idempotency;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The answer to a request, stored to answer its repetitions. Immutable, thread-safe.
 *
 * <p>A result may be of any size: the caller that waits for it gets it in full. Stores store its
 * {@link #storable()} form.
 */
public final class StoredResult {

  /** Maximum length of a stored body in bytes. */
  public static final int MAX_BODY_BYTES = 1_048_576;

  /** Maximum number of stored headers. */
  public static final int MAX_HEADERS = 32;

  /**
   * Maximum length of a stored header's name, of its value and of the media type, in characters.
   */
  public static final int MAX_HEADER_CHARS = 2_048;

  private static final String PROBLEM = "application/problem+json";
  private static final String LOCATION = "location";

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
   * @param headers headers for the caller and for repetitions; copied
   */
  public StoredResult(int status, String contentType, byte[] body, Map<String, String> headers) {
    this.status = status;
    this.contentType = Objects.requireNonNull(contentType, "contentType");
    this.body = body.clone();
    this.headers = Map.copyOf(headers);
  }

  /**
   * Returns the form in which stores store this result: the result itself, or its {@link #shortForm
   * short form} if the body has more than {@value #MAX_BODY_BYTES} bytes, there are more than
   * {@value #MAX_HEADERS} headers, the media type or a header's name or value has more than {@value
   * #MAX_HEADER_CHARS} characters, or one of these contains a NUL character or half a surrogate
   * pair, which databases refuse.
   *
   * @return this result or its short form
   */
  public StoredResult storable() {
    String reason = obstacle();
    return reason == null ? this : shortForm(reason);
  }

  /**
   * Returns the short form: the same status, and in place of the body a problem ({@code
   * application/problem+json}, RFC 9457) which states that the request was carried out and its
   * answer was not stored, with the member {@code code} of value {@code COMMS-IDEMPOTENCY-004}. Of
   * the headers only {@code Location} remains, if it can be stored.
   *
   * @param reason the reason, for the problem's detail
   * @return the short form, which every store accepts
   */
  public StoredResult shortForm(String reason) {
    String json =
        "{\"type\":\"about:blank\",\"title\":\"The answer was not kept\",\"status\":"
            + status
            + ",\"detail\":\"The request was carried out once. Its answer was not kept: "
            + escaped(reason)
            + ".\",\"code\":\"COMMS-IDEMPOTENCY-004\"}";
    return new StoredResult(status, PROBLEM, json.getBytes(StandardCharsets.UTF_8), location());
  }

  private Map<String, String> location() {
    return headers.entrySet().stream()
        .filter(header -> header.getKey().equalsIgnoreCase(LOCATION))
        .filter(header -> obstacle(header) == null)
        .findFirst()
        .map(header -> Map.of(header.getKey(), header.getValue()))
        .orElse(Map.of());
  }

  /** Returns the reason why this can't be stored in full; null if it can. */
  private @Nullable String obstacle() {
    if (body.length > MAX_BODY_BYTES) {
      return over("body bytes", body.length, MAX_BODY_BYTES);
    }
    if (headers.size() > MAX_HEADERS) {
      return over("headers", headers.size(), MAX_HEADERS);
    }
    String reason = obstacle("contentType", contentType);
    for (Map.Entry<String, String> header : headers.entrySet()) {
      reason = reason == null ? obstacle(header) : reason;
    }
    return reason;
  }

  private static @Nullable String obstacle(Map.Entry<String, String> header) {
    String reason = obstacle("header name", header.getKey());
    return reason == null ? obstacle("header value", header.getValue()) : reason;
  }

  private static @Nullable String obstacle(String name, String text) {
    if (text.length() > MAX_HEADER_CHARS) {
      return over(name + " length", text.length(), MAX_HEADER_CHARS);
    }
    boolean isPlain =
        text.codePoints()
            .noneMatch(
                c -> c == 0 || (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE));
    return isPlain ? null : name + ": with NUL or half a surrogate pair";
  }

  private static String over(String name, int value, int max) {
    return name + ": " + value + " (expected: 0.." + max + ")";
  }

  private static String escaped(String text) {
    StringBuilder json = new StringBuilder();
    text.chars()
        .map(c -> c == '"' || c == '\\' || c < ' ' || Character.isSurrogate((char) c) ? '?' : c)
        .forEach(c -> json.append((char) c));
    return json.toString();
  }

  /**
   * Returns the status.
   *
   * @return the status in the protocol's own numbers, 0 if it has none
   */
  public int status() {
    return status;
  }

  /** {@return the media type of the body} */
  public String contentType() {
    return contentType;
  }

  /**
   * Returns the body.
   *
   * @return a copy
   */
  public byte[] body() {
    return body.clone();
  }

  /**
   * Returns the headers.
   *
   * @return an unmodifiable map
   */
  public Map<String, String> headers() {
    return headers;
  }
}
