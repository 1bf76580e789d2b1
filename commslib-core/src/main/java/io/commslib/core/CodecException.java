package io.commslib.core;

import org.jspecify.annotations.Nullable;

/**
 * A body or an envelope can't be read or written. Always {@code PERMANENT}: such a message is not
 * retried.
 */
public class CodecException extends CommsException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates a codec failure.
   *
   * @param code stable identifier
   * @param message what is wrong, without content
   * @param cause the parser's failure, or null
   */
  public CodecException(String code, String message, @Nullable Throwable cause) {
    super(code, FailureKind.PERMANENT, message, cause);
  }
}
