package io.commslib.testkit.servers;

import java.nio.file.Path;

/** How one kind of server is started on its data, and how one sees that it serves clients. */
interface ServerRecipe {

  /** The server's name in messages. */
  String name();

  /** Starts the process on the data in the server's folder; returns at once. */
  ChildProcess launch(Path log);

  /** Asks the server as a client would; false if it doesn't answer yet. */
  boolean isReady();

  /** Ends what runs beside the server, when it is closed. */
  default void release() {}
}
