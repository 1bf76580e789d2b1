package io.commslib.testkit.servers;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * A server in a container that uses the host's network, so that its addresses are those of a local
 * one.
 */
final class Container implements ServerControl {

  private static final Duration READY_LIMIT = Duration.ofSeconds(120);

  private final String name;
  private final String id;
  private final BooleanSupplier ready;
  private final ReentrantLock lock = new ReentrantLock();
  private boolean closed;

  private Container(String name, String id, BooleanSupplier ready) {
    this.name = name;
    this.id = id;
    this.ready = ready;
  }

  /** Fails unless an engine answers; the command line tool alone proves nothing. */
  static void requireEngine(String server, String install) {
    if (!Shell.succeeds(List.of("docker", "info"))) {
      throw new ServerUnavailableException(
          server + " was not found and no container engine answers; install " + install, null);
    }
  }

  /**
   * Starts a container and blocks until the server in it is ready.
   *
   * @param arguments options of {@code docker run}, the image, and the image's own arguments
   */
  static Container start(String name, List<String> arguments, BooleanSupplier ready) {
    List<String> command = new ArrayList<>();
    command.addAll(List.of("docker", "run", "--detach", "--quiet", "--network", "host"));
    command.addAll(arguments);
    Container container = new Container(name, Shell.output(command), ready);
    Thread hook = new Thread(container::close, "commslib-servers-container-1");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      container.awaitReady();
    } catch (RuntimeException e) {
      container.close();
      throw e;
    }
    return container;
  }

  @Override
  public void kill() {
    lock.lock();
    try {
      if (isRunning()) {
        docker("kill");
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
      docker("start");
      awaitReady();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void pause() {
    lock.lock();
    try {
      docker("pause");
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void resume() {
    lock.lock();
    try {
      if (inspect("{{.State.Paused}}")) {
        docker("unpause");
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean isRunning() {
    return !closed && inspect("{{.State.Running}}");
  }

  @Override
  public Set<Long> pids() {
    return Set.of();
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (!closed) {
        closed = true;
        Shell.succeeds(List.of("docker", "rm", "--force", "--volumes", id));
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean inspect(String field) {
    return Shell.output(List.of("docker", "inspect", "--format", field, id)).equals("true");
  }

  private void docker(String verb) {
    if (closed) {
      throw new IllegalStateException(name + " is closed");
    }
    Shell.output(List.of("docker", verb, id));
  }

  private void awaitReady() {
    if (!Polling.until(ready, READY_LIMIT)) {
      throw new ServerUnavailableException(
          name
              + " isn't ready after "
              + READY_LIMIT.toSeconds()
              + " s; its log: "
              + Shell.output(List.of("docker", "logs", "--tail", "40", id)),
          null);
    }
  }
}
