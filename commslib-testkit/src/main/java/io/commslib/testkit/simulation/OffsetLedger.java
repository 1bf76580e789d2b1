package io.commslib.testkit.simulation;

/**
 * What of one partition is unfinished during one assignment, as the Kafka-like model asks it. The
 * model has one of its own; an adapter's tests put the adapter's in its place.
 */
public interface OffsetLedger {

  /** A commit: the offset and what is written beside it. */
  record Commit(long offset, String note) {}

  /**
   * Takes over what the predecessor committed.
   *
   * @param commit the last one
   */
  void restore(Commit commit);

  /**
   * Notes that a record has come.
   *
   * @param offset its offset
   * @return false if it is finished already
   */
  boolean accepted(long offset);

  /**
   * Notes that a record is finished.
   *
   * @param offset its offset
   */
  void finished(long offset);

  /**
   * Returns what to commit now.
   *
   * @return the commit
   */
  Commit commit();
}
