package io.commslib.benchmarks.calls;

/** Makes calls that do nothing but add. */
@FunctionalInterface
interface Pipeline {

  /** The work of each call. */
  static long work(long number) {
    return number * 31 + 7;
  }

  /**
   * Makes one call.
   *
   * @param number the argument of the work
   * @return the result of the work
   */
  long call(long number);
}
