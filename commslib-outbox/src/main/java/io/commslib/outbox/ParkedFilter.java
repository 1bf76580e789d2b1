package io.commslib.outbox;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A choice of parked messages, for which all conditions hold. Immutable. */
public final class ParkedFilter {

  private static final ParkedFilter ALL = new ParkedFilter(null, null, null, null);

  private final @Nullable String destination;
  private final @Nullable String key;
  private final @Nullable String errorCode;
  private final @Nullable String fingerprint;

  private ParkedFilter(
      @Nullable String destination,
      @Nullable String key,
      @Nullable String errorCode,
      @Nullable String fingerprint) {
    this.destination = destination;
    this.key = key;
    this.errorCode = errorCode;
    this.fingerprint = fingerprint;
  }

  /** {@return the filter without conditions, which accepts all parked messages} */
  public static ParkedFilter all() {
    return ALL;
  }

  /**
   * Adds a condition on the destination. It replaces an earlier one.
   *
   * @param wanted the text form of the destination, such as {@code queue:orders}
   * @return a filter with the condition
   */
  public ParkedFilter destination(String wanted) {
    return new ParkedFilter(
        Objects.requireNonNull(wanted, "destination"), key, errorCode, fingerprint);
  }

  /**
   * Adds a condition on the key. It replaces an earlier one.
   *
   * @param wanted the key
   * @return a filter with the condition
   */
  public ParkedFilter key(String wanted) {
    return new ParkedFilter(
        destination, Objects.requireNonNull(wanted, "key"), errorCode, fingerprint);
  }

  /**
   * Adds a condition on the error code. It replaces an earlier one.
   *
   * @param wanted the class of the failure, {@link ParkedMessage#errorCode()}
   * @return a filter with the condition
   */
  public ParkedFilter errorCode(String wanted) {
    return new ParkedFilter(
        destination, key, Objects.requireNonNull(wanted, "errorCode"), fingerprint);
  }

  /**
   * Adds a condition on the fingerprint. It replaces an earlier one.
   *
   * @param wanted the cause, {@link ParkedMessage#fingerprint()}
   * @return a filter with the condition
   */
  public ParkedFilter fingerprint(String wanted) {
    return new ParkedFilter(
        destination, key, errorCode, Objects.requireNonNull(wanted, "fingerprint"));
  }

  /** The conditions as SQL, to append to a WHERE clause that has one. */
  String conditions() {
    return and("destination", destination)
        + and("msg_key", key)
        + and("error_code", errorCode)
        + and("fingerprint", fingerprint);
  }

  private static String and(String column, @Nullable String value) {
    return value == null ? "" : " AND " + column + " = ?";
  }

  /** The parameters of the conditions. */
  List<Object> parameters() {
    List<Object> values = new ArrayList<>();
    for (String value : new String[] {destination, key, errorCode, fingerprint}) {
      if (value != null) {
        values.add(value);
      }
    }
    return values;
  }

  @Override
  public String toString() {
    return "ParkedFilter{destination="
        + destination
        + ", key="
        + key
        + ", errorCode="
        + errorCode
        + ", fingerprint="
        + fingerprint
        + "}";
  }
}
