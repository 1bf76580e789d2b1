package io.commslib.testkit.servers;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import org.jspecify.annotations.Nullable;

/**
 * A server could not be found, started or restarted: {@code COMMS-SERVERS-001}.
 *
 * <p>The message names what to install, or has the last lines of the server's log. Permanent: the
 * same call on the same machine fails again.
 */
public final class ServerUnavailableException extends CommsException {

  private static final long serialVersionUID = 1L;
  private static final String CODE = "COMMS-SERVERS-001";

  ServerUnavailableException(String message, @Nullable Throwable cause) {
    super(CODE, FailureKind.PERMANENT, message, cause);
  }
}
