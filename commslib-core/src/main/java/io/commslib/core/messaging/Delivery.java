package io.commslib.core.messaging;

import io.commslib.core.tx.TransactionContext;
import java.time.Duration;

/**
 * A message on its way through a handler. Made by the delivery engine; users call it. Confined to
 * the handler's thread and valid until the handler returns.
 */
public interface Delivery {

  /**
   * Returns the message.
   *
   * @return never null
   */
  Message message();

  /**
   * Returns where it came from.
   *
   * @return the destination subscribed to
   */
  Destination destination();

  /**
   * Returns for which group it is handled.
   *
   * @return the group
   */
  String group();

  /**
   * Returns which attempt this is. Counts attempts that failed in this process and deliveries the
   * broker knows of that ended in a crash; route outages and give-backs do not count.
   *
   * @return 1 or more
   */
  int attempt();

  /**
   * Returns how often it was redriven from the dead letters to this group.
   *
   * @return 0 or more
   */
  int redriveCount();

  /**
   * Returns how long the handler may still take.
   *
   * @return zero when the deadline has passed
   */
  Duration remaining();

  /**
   * Returns the transaction of this delivery.
   *
   * @return the running transaction
   * @throws IllegalStateException if the subscription is not transactional
   */
  TransactionContext transaction();
}
