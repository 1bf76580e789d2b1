package io.commslib.testkit.faults;

/** The crash of a process, played within one JVM. */
public final class CrashError extends Error {

  private static final long serialVersionUID = 1L;

  CrashError(String point) {
    super("crash point " + point);
  }
}
