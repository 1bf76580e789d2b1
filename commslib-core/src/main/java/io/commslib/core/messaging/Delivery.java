package io.commslib.core.messaging;

import io.commslib.core.tx.TransactionContext;
import java.time.Duration;

/**
 * A message that is being handled. Made by the delivery engine; users call it. Confined to the
 * handler's thread and valid until the handler returns.
 */
public interface Delivery {

  /** {@return the message} */
  Message message();

  /**
   * Returns the record of the message as the broker has it, for what a {@link Message} does not
   * show: bytes of the key, repeated and typed headers, position, properties of AMQP.
   *
   * @return the record; its arrays must not be changed
   */
  ForeignRecord record();

  /** {@return the destination from which the message was received} */
  Destination destination();

  /** {@return the group for which the message is handled} */
  String group();

  /**
   * Returns the number of this attempt. It counts attempts that failed in this process, and
   * deliveries that ended in a crash where the broker reports them. Outages that pause the route
   * and messages given back do not count.
   *
   * @return 1 or more
   */
  int attempt();

  /** {@return the number of redrives from the dead letters to this group, 0 or more} */
  int redriveCount();

  /** {@return the time until the handler deadline; zero when it has passed} */
  Duration remaining();

  /**
   * Returns the transaction of this delivery.
   *
   * @return the running transaction
   * @throws IllegalStateException if the subscription is not transactional
   */
  TransactionContext transaction();
}
