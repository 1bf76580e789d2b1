package io.commslib.benchmarks.chaos.broker;

import java.nio.file.Path;

/** The members of the group whose effects are judged. */
interface GroupMembers extends AutoCloseable {

  String GROUP = "judged";

  /** Adds a member and waits until it has joined. */
  void join();

  /** Ends the oldest member in order. */
  void leave();

  int size();

  /** {@return the number of distinct messages that have had an effect} */
  long effectCount();

  /** Writes the history of all members so far and returns its file. */
  Path history() throws Exception;

  @Override
  void close();
}
