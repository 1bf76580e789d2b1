package io.commslib.core.messaging;

import java.util.Objects;

/** A handler inside of another one, of which it keeps what a lambda can't state. */
final class WrappedHandler implements MessageHandler {

  private final MessageHandler inner;
  private final MessageHandler around;

  WrappedHandler(MessageHandler inner, MessageHandler around) {
    this.inner = inner;
    this.around = Objects.requireNonNull(around, "around");
  }

  @Override
  public Settlement handle(Delivery delivery) throws Exception {
    return around.handle(delivery);
  }

  @Override
  public boolean acceptsUnknownTypes() {
    return inner.acceptsUnknownTypes();
  }
}
