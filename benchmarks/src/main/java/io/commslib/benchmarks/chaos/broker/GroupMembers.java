package io.commslib.benchmarks.chaos.broker;

import java.nio.file.Path;

/** The members of the one group whose effects are judged. */
interface GroupMembers extends AutoCloseable {

  String GROUP = "judged";

  /** Adds a member and waits until it is one. */
  void join();

  /** Ends the member that has been there longest, in order. */
  void leave();

  int size();

  /** How many messages have had their effect, each counted once. */
  long effectCount();

  /** Writes the history of all members so far and says where. */
  Path history() throws Exception;

  @Override
  void close();
}
