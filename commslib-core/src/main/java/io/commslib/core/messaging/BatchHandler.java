package io.commslib.core.messaging;

import java.util.Collections;
import java.util.List;

/**
 * Handles several messages of one subscription in one call, with an outcome for each. Users
 * implement it and set {@link SubscriptionConfig.Builder#batch}.
 *
 * <p>A batch contains messages of several keys, and of each key its next messages in order.
 *
 * <p>In a transactional subscription the whole batch runs in one transaction. It commits if every
 * outcome is {@code done} or {@code drop}. Otherwise, and after an exception or the handler
 * deadline, it rolls back without counting an attempt. The same messages are then handled again one
 * by one in the order of their keys, each in a batch of its own. So one bad message causes a second
 * run of the others, does not change their outcome, and delays only its own key.
 *
 * <p>Without a transaction each outcome counts on its own, with one exception: messages of a key
 * behind one that is not {@code done} or {@code drop} are handled again after it.
 */
public interface BatchHandler extends MessageHandler {

  /**
   * Handles a batch. Called on a worker thread like {@link MessageHandler#handle}; the handler
   * deadline applies to the whole batch.
   *
   * @param batch one or more deliveries, those of each key in order; valid until this returns
   * @return one settlement for each delivery, in the order of the batch; another number counts as a
   *     failure
   * @throws Exception counts as a failure of the batch, or of the message if it is alone
   */
  List<Settlement> handleAll(List<Delivery> batch) throws Exception;

  @Override
  default Settlement handle(Delivery delivery) throws Exception {
    List<Settlement> outcomes = handleAll(List.of(delivery));
    if (outcomes == null || outcomes.size() != 1) {
      throw new IllegalStateException(
          "COMMS-CORE-014: settlements of a batch of 1: "
              + (outcomes == null ? "null" : outcomes.size())
              + " (expected: one for each delivery)");
    }
    return outcomes.get(0);
  }

  /**
   * Returns {@code done} for every message of a batch.
   *
   * @param batch the handled deliveries
   * @return one settlement for each of them
   */
  static List<Settlement> allDone(List<Delivery> batch) {
    return Collections.nCopies(batch.size(), Settlement.done());
  }
}
