package io.commslib.core;

import org.jspecify.annotations.Nullable;

/**
 * A statement met a session of the database other than the one that it was prepared in, because a
 * pooler shares sessions between connections. It is {@link FailureKind#TRANSIENT}: nothing was
 * committed, and the same work is likely to succeed when it is repeated.
 *
 * <p>Unlike other outages it can be caused by the work itself, if that names a prepared statement
 * in its SQL. A subscription therefore leaves at most 20 of them uncounted for each message. Every
 * further one is a failed attempt.
 */
public final class WrongSessionException extends StoreException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the failure.
   *
   * @param code stable identifier
   * @param message what failed
   * @param cause the driver's failure, or null
   */
  public WrongSessionException(String code, String message, @Nullable Throwable cause) {
    super(code, FailureKind.TRANSIENT, message, cause);
  }
}
