package io.commslib.core.resilience;

/**
 * Pauses subscriptions temporarily, for example a circuit breaker, an operator's switch or a
 * maintenance window. While the gate is closed, the delivery engine starts no handler of the
 * subscriptions that use it and consumes no attempt. Users and breakers implement it. Thread-safe;
 * must not block.
 */
@FunctionalInterface
public interface Gate {

  /**
   * Returns whether work may start now. Called before each start of a handler and, while closed,
   * about every 100 ms.
   *
   * @return whether the gate is open
   */
  boolean isOpen();

  /**
   * Ends what {@link #isOpen} admitted, for gates that admit a limited number of messages at a
   * time. Called once for each time that it returned true, on the same thread: when the handler has
   * ended, or at once if none starts after all. Not called if an error of the JVM ends the worker.
   */
  default void ended() {}

  /** {@return a gate that is always open} */
  static Gate open() {
    return OpenGate.OPEN;
  }
}
