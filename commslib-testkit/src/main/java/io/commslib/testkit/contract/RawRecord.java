package io.commslib.testkit.contract;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A record as a foreign or hostile program would produce it: any bytes anywhere, headers in any
 * number and repeated. Immutable, except that arrays are not copied.
 */
public final class RawRecord {

  /**
   * One header.
   *
   * @param name any text
   * @param value any bytes
   */
  public record Header(String name, byte[] value) {}

  private final byte @Nullable [] key;
  private final List<Header> headers;
  private final byte @Nullable [] body;

  private RawRecord(byte @Nullable [] key, List<Header> headers, byte @Nullable [] body) {
    this.key = key;
    this.headers = List.copyOf(headers);
    this.body = body;
  }

  /**
   * Makes a record.
   *
   * @param key bytes of the key, or null
   * @param body bytes of the body, or null for none at all
   * @return without headers
   */
  public static RawRecord of(byte @Nullable [] key, byte @Nullable [] body) {
    return new RawRecord(key, List.of(), body);
  }

  /**
   * Adds a header, even if the record has one of the same name.
   *
   * @param name any text
   * @param value any bytes
   * @return the new record
   */
  public RawRecord and(String name, byte[] value) {
    List<Header> more = new ArrayList<>(headers);
    more.add(new Header(name, Objects.requireNonNull(value, "value")));
    return new RawRecord(key, more, body);
  }

  /**
   * Adds a header of text, even if the record has one of the same name.
   *
   * @param name any text
   * @param value any text, written as UTF-8
   * @return the new record
   */
  public RawRecord and(String name, String value) {
    return and(name, value.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Removes a header.
   *
   * @param name the name of the headers to remove
   * @return the new record
   */
  public RawRecord without(String name) {
    return new RawRecord(
        key, headers.stream().filter(header -> !header.name().equals(name)).toList(), body);
  }

  /**
   * Returns the key.
   *
   * @return the array itself, or null
   */
  public byte @Nullable [] key() {
    return key;
  }

  /**
   * Returns the headers.
   *
   * @return unmodifiable
   */
  public List<Header> headers() {
    return headers;
  }

  /**
   * Returns the body.
   *
   * @return the array itself, or null
   */
  public byte @Nullable [] body() {
    return body;
  }
}
