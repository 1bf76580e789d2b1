package io.commslib.saga;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Message;

/** Builds the replies of participants. */
public final class Replies {

  private Replies() {}

  /**
   * Starts the reply to a command: same conversation, same key, caused by the command. Publish it
   * through the outbox in the transaction that handles the command. Then every handled command is
   * answered, also a repeated one.
   *
   * @param command the delivery being handled
   * @param types registry that contains the reply's class
   * @param reply content of the reply
   * @return builder of the message
   */
  public static Message.Builder to(Delivery command, TypeRegistry types, Object reply) {
    Message.Builder message = types.message(reply).causedBy(command.message());
    command.message().key().ifPresent(message::key);
    return message;
  }
}
