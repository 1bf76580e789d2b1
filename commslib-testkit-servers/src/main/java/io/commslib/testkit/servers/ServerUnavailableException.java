package io.commslib.testkit.servers;

import org.jspecify.annotations.Nullable;

/**
 * A server could not be found, started or restarted.
 *
 * <p>The message says what to install, or holds the last lines of the server's log.
 *
 * @since 0.1
 */
public final class ServerUnavailableException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  ServerUnavailableException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
