package io.commslib.testkit.servers;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A server that runs as a child process of this JVM. */
final class LocalServer implements ServerControl {

  private static final Duration READY_LIMIT = Duration.ofSeconds(90);

  private final ServerRecipe recipe;
  private final Path folder;
  private final Path log;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile @Nullable ChildProcess process;
  private boolean closed;

  private LocalServer(ServerRecipe recipe, Path folder) {
    this.recipe = recipe;
    this.folder = folder;
    this.log = folder.resolve("server.log");
  }

  /** Starts the process and returns at once; {@link #awaitReady} is the second half. */
  static LocalServer launch(ServerRecipe recipe, Path folder) {
    LocalServer server = new LocalServer(recipe, folder);
    server.process = recipe.launch(server.log);
    return server;
  }

  /** Starts the server and blocks until it is ready; if it fails, nothing keeps running. */
  static LocalServer start(ServerRecipe recipe, Path folder) {
    return launch(recipe, folder).readyOrClosed();
  }

  /** Blocks until the launched server is ready; if it fails, nothing keeps running. */
  LocalServer readyOrClosed() {
    try {
      awaitReady();
      return this;
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  void awaitReady() {
    lock.lock();
    try {
      ChildProcess started = Objects.requireNonNull(process, "process");
      if (!Polling.until(() -> !started.isAlive() || recipe.isReady(), READY_LIMIT)
          || !started.isAlive()) {
        String how =
            started.isAlive()
                ? "isn't ready after " + READY_LIMIT.toSeconds() + " s, or the wait was interrupted"
                : "ended with exit code " + started.exitCode();
        started.kill();
        throw new ServerUnavailableException(recipe.name() + " " + how + ServerLog.tail(log), null);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void kill() {
    lock.lock();
    try {
      requireOpen();
      if (process != null) {
        process.kill();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void restart() {
    lock.lock();
    try {
      kill();
      process = recipe.launch(log);
      awaitReady();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void pause() {
    lock.lock();
    try {
      requireOpen();
      running().pause();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void resume() {
    lock.lock();
    try {
      requireOpen();
      running().resume();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean isRunning() {
    ChildProcess current = process;
    return current != null && current.isAlive();
  }

  @Override
  public Set<Long> pids() {
    ChildProcess current = process;
    return current == null ? Set.of() : current.pids();
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      if (process != null) {
        process.stop();
      }
      recipe.release();
      DataFolder.delete(folder);
    } finally {
      lock.unlock();
    }
  }

  private ChildProcess running() {
    ChildProcess current = process;
    if (current == null || !current.isAlive()) {
      throw new IllegalStateException(recipe.name() + " isn't running");
    }
    return current;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(recipe.name() + " is closed");
    }
  }
}
