package io.commslib.testkit.servers;

import java.util.Set;

/** The control of a running server: of a local process, of a container, or none. */
interface ServerControl {

  void kill();

  void restart();

  void pause();

  void resume();

  boolean isRunning();

  Set<Long> pids();

  void close();
}
