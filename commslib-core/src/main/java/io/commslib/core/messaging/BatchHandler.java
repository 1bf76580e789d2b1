package io.commslib.core.messaging;

import java.util.Collections;
import java.util.List;

/**
 * Handles several messages of one subscription at once, with an outcome for each. Users implement
 * it and set {@link SubscriptionConfig.Builder#batch}.
 *
 * <p>A batch has messages of several keys, and of one key those that stand at its head, in order.
 * In a transactional subscription all of a batch run in one transaction: it commits if every
 * outcome is {@code done} or {@code drop}; otherwise, and after a throw or the handler deadline, it
 * rolls back without counting an attempt, and the same messages are handled again one by one in the
 * order of their keys, each in a batch of its own. So one bad message costs the others a second
 * run, not their outcome, and holds only its key. Without a transaction each outcome counts by
 * itself, except that messages of a key behind one that is not {@code done} or {@code drop} are
 * handled again after it.
 */
public interface BatchHandler extends MessageHandler {

  /**
   * Handles a batch. Called on a worker thread like {@link MessageHandler#handle}; the handler
   * deadline is for the whole batch.
   *
   * @param batch one or more deliveries, of each key in order; valid until this returns
   * @return one settlement for each, in the order of the batch; another number counts as a failure
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
   * @param batch what was handled
   * @return as many settlements
   */
  static List<Settlement> allDone(List<Delivery> batch) {
    return Collections.nCopies(batch.size(), Settlement.done());
  }
}
