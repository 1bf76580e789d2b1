package io.commslib.testkit.faults;

/** The simulated crash of a process within one JVM. */
public final class CrashError extends Error {

  private static final long serialVersionUID = 1L;

  CrashError(String point) {
    super("crash point " + point);
  }
}
