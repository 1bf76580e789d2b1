package io.commslib.testkit.simulation;

/**
 * The unfinished offsets of one partition during one assignment, for the Kafka-like model. The
 * model has one of its own; tests of an adapter replace it by the adapter's.
 */
public interface OffsetLedger {

  /**
   * A commit.
   *
   * @param offset the committed offset
   * @param metadata the metadata that is committed with it
   */
  record Commit(long offset, String metadata) {}

  /**
   * Starts from the commit of the previous owner.
   *
   * @param commit the last one
   */
  void restore(Commit commit);

  /**
   * Records the arrival of a record.
   *
   * @param offset its offset
   * @return false if it is finished already
   */
  boolean accepted(long offset);

  /**
   * Records that a record is finished.
   *
   * @param offset its offset
   */
  void finished(long offset);

  /**
   * Returns the next commit.
   *
   * @return the commit
   */
  Commit commit();
}
