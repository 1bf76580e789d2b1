package io.commslib.testkit.servers;

import java.nio.file.Path;

/** The way to start one kind of server on its data, and to check that it serves clients. */
interface ServerRecipe {

  /** The server's name in messages. */
  String name();

  /** Starts the process on the data in the server's folder; returns at once. */
  ChildProcess launch(Path log);

  /** Connects to the server as a client; false if it doesn't answer yet. */
  boolean isReady();

  /** Ends helper processes of the server when it is closed. */
  default void release() {}
}
