package io.commslib.core.messaging;

import io.commslib.core.CodecException;

/**
 * A record is of a format, but the format's closed list of types does not name its type, or it is a
 * tombstone and the format names no type for one. The record becomes a dead letter, unless the
 * handler settles messages of unknown types: see {@link MessageHandler#acceptsUnknownTypes()}.
 */
public final class UnknownTypeException extends CodecException {

  private static final long serialVersionUID = 1L;

  private final transient Message received;

  /**
   * Creates a failure.
   *
   * @param code stable identifier
   * @param text what is unknown, without content of the body
   * @param received the message, with a type that no service registers
   */
  public UnknownTypeException(String code, String text, Message received) {
    super(code, text, null);
    this.received = received;
  }

  /** {@return the message, for a handler that settles messages of unknown types} */
  public Message received() {
    return received;
  }
}
