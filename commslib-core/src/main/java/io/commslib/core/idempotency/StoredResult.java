package io.commslib.core.idempotency;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a request answered, kept to answer its repetitions. Immutable.
 *
 * <p>A result may be of any size: the caller who waits for it gets it whole. What stores keep of it
 * is {@link #kept()}.
 */
public final class StoredResult {

  /** Bytes of body a store keeps at most. */
  public static final int MAX_BODY_BYTES = 1_048_576;

  /** Headers a store keeps at most. */
  public static final int MAX_HEADERS = 32;

  /** Characters of a header's name and value, and of the media type, a store keeps at most. */
  public static final int MAX_HEADER_CHARS = 2_048;

  private static final String PROBLEM = "application/problem+json";
  private static final String SHORT_START =
      "{\"type\":\"about:blank\",\"title\":\"The answer was not kept\",\"status\":";
  private static final String SHORT_END = ".\",\"code\":\"COMMS-IDEMPOTENCY-004\"}";
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
   * @param headers headers of the answers to repetitions, chosen by the handler
   */
  public StoredResult(int status, String contentType, byte[] body, Map<String, String> headers) {
    this.status = status;
    this.contentType = Objects.requireNonNull(contentType, "contentType");
    this.body = body.clone();
    this.headers = Map.copyOf(headers);
  }

  /**
   * Returns what a store keeps of this result: the result itself, or its {@link #shortened short
   * form} if the body has more than {@value #MAX_BODY_BYTES} bytes, there are more than {@value
   * #MAX_HEADERS} headers, the media type or a header's name or value has more than {@value
   * #MAX_HEADER_CHARS} characters, or one of these holds a NUL character or half a surrogate pair,
   * which databases do not take.
   *
   * @return this result or its short form
   */
  public StoredResult kept() {
    String reason = hindrance();
    return reason == null ? this : shortened(reason);
  }

  /**
   * Returns the short form: the same status, and in place of the body a problem ({@code
   * application/problem+json}, RFC 9457) that says that the request was carried out and its answer
   * not kept, with the member {@code code} of value {@code COMMS-IDEMPOTENCY-004}. Of the headers
   * {@code Location} stays, if it can be kept.
   *
   * @param reason why, for the problem's detail
   * @return the short form, which every store keeps
   */
  public StoredResult shortened(String reason) {
    String json =
        SHORT_START
            + status
            + ",\"detail\":\"The request was carried out once. Its answer was not kept: "
            + escaped(reason)
            + SHORT_END;
    return new StoredResult(status, PROBLEM, json.getBytes(StandardCharsets.UTF_8), location());
  }

  /**
   * Returns whether this is a short form. Media type and body decide, since stores keep nothing
   * else of it.
   *
   * @return whether {@link #shortened} made it
   */
  public boolean isShortened() {
    return contentType.equals(PROBLEM) && bodyHas(SHORT_START, 0) && endsWith(SHORT_END);
  }

  private boolean endsWith(String ascii) {
    return bodyHas(ascii, body.length - ascii.length());
  }

  private boolean bodyHas(String ascii, int from) {
    byte[] expected = ascii.getBytes(StandardCharsets.US_ASCII);
    int to = from + expected.length;
    return from >= 0
        && to <= body.length
        && Arrays.equals(body, from, to, expected, 0, expected.length);
  }

  private Map<String, String> location() {
    return headers.entrySet().stream()
        .filter(header -> header.getKey().equalsIgnoreCase(LOCATION))
        .filter(header -> hindrance(header) == null)
        .findFirst()
        .map(header -> Map.of(header.getKey(), header.getValue()))
        .orElse(Map.of());
  }

  /** Why this can't be kept as it is; null if it can. */
  private @Nullable String hindrance() {
    if (body.length > MAX_BODY_BYTES) {
      return over("body bytes", body.length, MAX_BODY_BYTES);
    }
    if (headers.size() > MAX_HEADERS) {
      return over("headers", headers.size(), MAX_HEADERS);
    }
    String reason = hindrance("contentType", contentType);
    for (Map.Entry<String, String> header : headers.entrySet()) {
      reason = reason == null ? hindrance(header) : reason;
    }
    return reason;
  }

  private static @Nullable String hindrance(Map.Entry<String, String> header) {
    String reason = hindrance("header name", header.getKey());
    return reason == null ? hindrance("header value", header.getValue()) : reason;
  }

  private static @Nullable String hindrance(String name, String text) {
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
   * Returns the headers of the answers to repetitions.
   *
   * @return unmodifiable
   */
  public Map<String, String> headers() {
    return headers;
  }
}
