package io.commslib.core.engine;

/**
 * Tells the broker what became of a delivery. Adapters implement it. Called by the engine once per
 * accepted delivery whose scope was not revoked, on a worker, scheduler or publisher thread, in any
 * order of deliveries. Must not block and must not throw; a settlement that can't reach the broker
 * is forgotten, the broker then delivers again.
 */
public interface Settler {

  /**
   * It is finished (done, duplicate, dropped, or safely in the dead letters): the broker must not
   * deliver it again.
   *
   * @param delivery which one
   */
  void acknowledge(RawDelivery delivery);

  /**
   * It is not finished and this consumer will not finish it: the broker shall deliver it again, to
   * whoever.
   *
   * @param delivery which one
   */
  void giveBack(RawDelivery delivery);
}
