package io.commslib.core.engine;

/**
 * Whether the engine drains or is closed. Thread-safe; changed under {@link EngineState}'s lock.
 */
final class StopFlags {

  private volatile boolean draining;
  private volatile boolean closed;

  void drain() {
    draining = true;
  }

  void close() {
    closed = true;
  }

  boolean isClosed() {
    return closed;
  }

  /** Whether no more handlers start. */
  boolean isStopping() {
    return draining || closed;
  }
}
