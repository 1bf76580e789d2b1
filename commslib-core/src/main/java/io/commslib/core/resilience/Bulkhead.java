package io.commslib.core.resilience;

/**
 * Bounds the attempts in flight to one remote. A slot is held by the attempt until its code has
 * returned, also after the call has ended by its time. Thread-safe; never blocks.
 */
public interface Bulkhead {

  /**
   * Takes a slot.
   *
   * @return false if none is free
   */
  boolean tryAcquire();

  /** Frees a slot that was taken. */
  void release();

  /** {@return the number of slots taken} */
  int inFlight();

  /** {@return the maximum number of slots} */
  int limit();
}
