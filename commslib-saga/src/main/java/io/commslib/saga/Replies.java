package io.commslib.saga;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Message;

/** How a participant answers a command. */
public final class Replies {

  private Replies() {}

  /**
   * Starts the answer to a command: same conversation, same key, caused by the command. Publish it
   * through the outbox in the transaction that handled the command: then a command handled once is
   * answered once, and again whenever the answer must be sent again.
   *
   * @param command the delivery being handled
   * @param types registry that knows the answer's class
   * @param answer what to say
   * @return builder of the message
   */
  public static Message.Builder to(Delivery command, TypeRegistry types, Object answer) {
    Message.Builder reply = types.message(answer).causedBy(command.message());
    command.message().key().ifPresent(reply::key);
    return reply;
  }
}
