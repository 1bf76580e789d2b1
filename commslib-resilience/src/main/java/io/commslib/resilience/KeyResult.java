package io.commslib.resilience;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The result of one key of a batch: a value or a failure. Made by the work of a {@link BatchLoader}
 * that reports failures of single keys. Immutable.
 *
 * @param <V> type of the value
 */
public final class KeyResult<V> {

  private final @Nullable V value;
  private final @Nullable Throwable failure;

  private KeyResult(@Nullable V value, @Nullable Throwable failure) {
    this.value = value;
    this.failure = failure;
  }

  /**
   * Returns the result of a key that has a value.
   *
   * @param <V> type of the value
   * @param value the value
   * @return the result
   */
  public static <V> KeyResult<V> of(V value) {
    return new KeyResult<>(Objects.requireNonNull(value, "value"), null);
  }

  /**
   * Returns the result of a key that failed.
   *
   * @param <V> type of the value
   * @param failure the failure of this key only
   * @return the result
   */
  public static <V> KeyResult<V> failed(Exception failure) {
    return failedBy(Objects.requireNonNull(failure, "failure"));
  }

  static <V> KeyResult<V> failedBy(Throwable failure) {
    return new KeyResult<>(null, failure);
  }

  /** The result of a key of which the answer says nothing. */
  static <V> KeyResult<V> none() {
    return new KeyResult<>(null, null);
  }

  @Nullable V value() {
    return value;
  }

  @Nullable Throwable failure() {
    return failure;
  }
}
