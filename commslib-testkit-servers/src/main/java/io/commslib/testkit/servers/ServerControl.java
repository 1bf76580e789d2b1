package io.commslib.testkit.servers;

import java.util.Set;

/** How a running server is reached by its owner: a local process, a container, or not at all. */
interface ServerControl {

  void kill();

  void restart();

  void pause();

  void resume();

  boolean isRunning();

  Set<Long> pids();

  void close();
}
