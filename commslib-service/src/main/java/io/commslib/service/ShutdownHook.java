package io.commslib.service;

/** A thread that the JVM runs when it shuts down. Thread-safe. */
final class ShutdownHook {

  private final Thread thread;

  private ShutdownHook(Thread thread) {
    this.thread = thread;
  }

  /** Registers a thread. */
  static ShutdownHook register(Thread thread) {
    Runtime.getRuntime().addShutdownHook(thread);
    return new ShutdownHook(thread);
  }

  /** Unregisters it, unless the JVM is shutting down: then it runs, or has run. */
  void remove() {
    try {
      Runtime.getRuntime().removeShutdownHook(thread);
    } catch (IllegalStateException ending) {
      // The JVM is shutting down.
      return;
    }
  }
}
