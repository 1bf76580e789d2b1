package io.commslib.core.resilience;

/**
 * Something that can close a route for a while: a circuit breaker, an operator's switch, a
 * maintenance window. While it is closed the delivery engine starts no handler of the subscriptions
 * that use it and burns no attempt. Users and breakers implement it. Thread-safe; must not block.
 */
@FunctionalInterface
public interface Gate {

  /**
   * Returns whether work may start now. Asked before each start and, while closed, again about
   * every 100 ms.
   *
   * @return true when open
   */
  boolean isOpen();

  /**
   * Returns a gate that is always open.
   *
   * @return the gate
   */
  static Gate open() {
    return OpenGate.OPEN;
  }
}
