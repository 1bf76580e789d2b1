package io.commslib.core;

import org.jspecify.annotations.Nullable;

/**
 * A database or another store failed or refused a call.
 *
 * <ul>
 *   <li>{@link FailureKind#TRANSIENT}: the store is unreachable; nothing was committed.
 *   <li>{@link FailureKind#UNKNOWN_RESULT}: the connection broke during commit; the unit of work
 *       may or may not have taken effect.
 *   <li>{@link FailureKind#CONTENTION}: deadlock or serialization failure; rolled back.
 *   <li>{@link FailureKind#PERMANENT}: wrong schema, version or data.
 * </ul>
 */
public class StoreException extends CommsException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates a store failure.
   *
   * @param code stable identifier
   * @param kind meaning of the failure for a repetition
   * @param message what failed
   * @param cause the driver's failure, or null
   */
  public StoreException(String code, FailureKind kind, String message, @Nullable Throwable cause) {
    super(code, kind, message, cause);
  }
}
