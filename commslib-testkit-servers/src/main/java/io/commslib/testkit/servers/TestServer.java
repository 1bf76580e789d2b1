package io.commslib.testkit.servers;

import java.util.Set;

/**
 * A real server process that a test, an example or a benchmark started. Users call this.
 *
 * <p>Thread-safe; calls on one server run one after the other. On a server that others share or
 * that was named by its address, {@link #kill}, {@link #restart}, {@link #pause} and {@link
 * #resume} throw {@link IllegalStateException} and {@link #close} does nothing.
 */
public interface TestServer extends AutoCloseable {

  /**
   * Kills the server with SIGKILL, its child processes included, and waits until they are gone.
   *
   * <p>Its data stay as the kill left them. Without effect on a server that isn't running.
   *
   * @throws IllegalStateException if the server is shared, was named by its address, or is closed
   */
  void kill();

  /**
   * Starts the server again on the same data and port and blocks until it serves clients.
   *
   * <p>A server still running is killed first.
   *
   * @throws ServerUnavailableException if it doesn't get ready; it isn't running then
   * @throws IllegalStateException if the server is shared, was named by its address, or is closed
   */
  void restart();

  /**
   * Stops the server's processes with SIGSTOP: connections stay open, nothing answers.
   *
   * @throws IllegalStateException if the server is shared, was named by its address, is closed, or
   *     isn't running
   */
  void pause();

  /**
   * Lets a paused server go on, with SIGCONT. Without effect on one that isn't paused.
   *
   * @throws IllegalStateException if the server is shared, was named by its address, is closed, or
   *     isn't running
   */
  void resume();

  /**
   * Says whether the server's process exists; a paused one does.
   *
   * @return true from the start until a kill, a crash or the close; always true for a server that
   *     was named by its address
   */
  boolean isRunning();

  /**
   * Returns the ids of the processes this server consists of at this moment.
   *
   * @return process ids; empty if it isn't running, runs in a container, or was named by its
   *     address
   */
  Set<Long> pids();

  /**
   * Ends the server and deletes its data. Bounded by a few seconds; repeating it has no effect.
   *
   * <p>On a shared server this does nothing; it ends with the JVM.
   */
  @Override
  void close();
}
