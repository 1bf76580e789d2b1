package io.commslib.testkit.faults;

/**
 * The crash of a process, played within one JVM.
 *
 * @since 0.1
 */
public final class CrashError extends Error {

  private static final long serialVersionUID = 1L;

  CrashError(String point) {
    super("crash point " + point);
  }
}
