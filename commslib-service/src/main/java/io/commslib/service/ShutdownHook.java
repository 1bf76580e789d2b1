package io.commslib.service;

/** A thread that the JVM runs when it is told to end. Thread-safe. */
final class ShutdownHook {

  private final Thread thread;

  private ShutdownHook(Thread thread) {
    this.thread = thread;
  }

  /** Registers a thread; false if the JVM is ending already. */
  static ShutdownHook register(Thread thread) {
    Runtime.getRuntime().addShutdownHook(thread);
    return new ShutdownHook(thread);
  }

  /** Takes it away, unless the JVM is ending: then it runs, or has run. */
  void remove() {
    try {
      Runtime.getRuntime().removeShutdownHook(thread);
    } catch (IllegalStateException ending) {
      // Nothing to take away.
      return;
    }
  }
}
