package io.commslib.core.engine;

/**
 * Settles deliveries at the broker. Adapters implement it. The engine calls it once per accepted
 * delivery whose scope was not revoked, on a worker, scheduler or publisher thread, in any order of
 * deliveries. Must not block and must not throw. A settlement that can't reach the broker is
 * dropped, and the broker redelivers the record.
 */
public interface Settler {

  /**
   * Acknowledges a finished delivery: done, duplicate, dropped, or safely in the dead letters. The
   * broker must not redeliver it.
   *
   * @param delivery the finished delivery
   */
  void acknowledge(RawDelivery delivery);

  /**
   * Gives back an unfinished delivery that this consumer will not finish. The broker should
   * redeliver it to any consumer.
   *
   * @param delivery the unfinished delivery
   */
  void giveBack(RawDelivery delivery);
}
