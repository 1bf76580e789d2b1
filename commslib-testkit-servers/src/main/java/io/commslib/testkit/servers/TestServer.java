package io.commslib.testkit.servers;

import java.util.Set;

/**
 * A real server process for tests, examples and benchmarks. Users call this.
 *
 * <p>Thread-safe; calls on one server run one after the other. On a shared server, or one that was
 * named by its address, {@link #kill}, {@link #restart}, {@link #pause} and {@link #resume} throw
 * {@link IllegalStateException} and {@link #close} does nothing.
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
   * Restarts the server on the same data and port and blocks until it serves clients.
   *
   * <p>A server still running is killed first.
   *
   * @throws ServerUnavailableException if it doesn't get ready; it isn't running then
   * @throws IllegalStateException if the server is shared, was named by its address, or is closed
   */
  void restart();

  /**
   * Stops the server's processes with SIGSTOP: connections stay open, and nothing answers.
   *
   * @throws IllegalStateException if the server is shared, was named by its address, is closed, or
   *     isn't running
   */
  void pause();

  /**
   * Resumes a paused server with SIGCONT. Without effect on a server that isn't paused.
   *
   * @throws IllegalStateException if the server is shared, was named by its address, is closed, or
   *     isn't running
   */
  void resume();

  /**
   * Returns whether the server's process exists; a paused one does.
   *
   * @return true from the start until a kill, a crash or the close; always true for a server that
   *     was named by its address
   */
  boolean isRunning();

  /**
   * Returns the ids of this server's current processes.
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
