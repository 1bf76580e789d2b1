package io.commslib.core;

import org.jspecify.annotations.Nullable;

/**
 * A database or another store failed or refused.
 *
 * <p>{@link FailureKind#TRANSIENT}: not reachable, nothing was committed. {@link
 * FailureKind#UNKNOWN_RESULT}: the connection broke during commit, the unit of work may or may not
 * have taken effect. {@link FailureKind#CONTENTION}: deadlock or serialization failure, rolled
 * back. {@link FailureKind#PERMANENT}: wrong schema, version or data.
 */
public class StoreException extends CommsException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates a store failure.
   *
   * @param code stable identifier
   * @param kind what the failure means for a repetition
   * @param message what failed
   * @param cause the driver's failure, or null
   */
  public StoreException(String code, FailureKind kind, String message, @Nullable Throwable cause) {
    super(code, kind, message, cause);
  }
}
