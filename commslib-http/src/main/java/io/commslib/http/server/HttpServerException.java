package io.commslib.http.server;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;

/** The server can't listen. The same start may succeed later. */
public final class HttpServerException extends CommsException {

  private static final long serialVersionUID = 1L;

  HttpServerException(String message, Throwable cause) {
    super("COMMS-HTTP-115", FailureKind.TRANSIENT, message, cause);
  }
}
