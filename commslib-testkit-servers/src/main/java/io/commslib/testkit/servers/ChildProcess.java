package io.commslib.testkit.servers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A process that this JVM started, with all its descendants.
 *
 * <p>It leads a session of its own, so that the watchdog can end it as a group and a terminal's
 * Ctrl-C reaches only this JVM.
 */
final class ChildProcess {

  private static final Duration GONE_LIMIT = Duration.ofSeconds(10);

  private final Process process;
  private final Duration grace;

  private ChildProcess(Process process, Duration grace) {
    this.process = process;
    this.grace = grace;
  }

  /**
   * Starts {@code command} with nothing but {@code environment}, a path and a locale.
   *
   * @param grace the time that {@link #stop} gives it to clean up; zero for none
   */
  static ChildProcess start(
      List<String> command, Map<String, String> environment, Path log, Duration grace) {
    OrphanCleaner watchdog = OrphanCleaner.instance();
    List<String> session = new ArrayList<>(List.of("setsid"));
    session.addAll(command);
    ProcessBuilder builder = new ProcessBuilder(session);
    String path = System.getenv().getOrDefault("PATH", "/usr/bin:/bin");
    builder.environment().clear();
    builder.environment().putAll(Map.of("PATH", path, "LANG", "C.UTF-8", "LC_ALL", "C.UTF-8"));
    builder.environment().putAll(environment);
    builder.directory(log.toAbsolutePath().getParent().toFile());
    builder.redirectErrorStream(true);
    builder.redirectInput(Path.of("/dev/null").toFile());
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    try {
      ChildProcess child = new ChildProcess(builder.start(), grace);
      watchdog.add(child);
      return child;
    } catch (IOException e) {
      throw new ServerUnavailableException("cannot run " + command.get(0), e);
    }
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  int exitCode() {
    return process.exitValue();
  }

  Set<Long> pids() {
    if (!process.isAlive()) {
      return Set.of();
    }
    return tree().stream().map(ProcessHandle::pid).collect(Collectors.toUnmodifiableSet());
  }

  void pause() {
    signalAll("STOP");
  }

  void resume() {
    signalAll("CONT");
  }

  /** Ends the whole tree with SIGKILL and waits until all its processes are gone. */
  void kill() {
    if (process.isAlive()) {
      // A stopped parent can't have children that the list below misses.
      Shell.signal("STOP", List.of(pid()));
    }
    List<ProcessHandle> tree = tree();
    tree.forEach(ProcessHandle::destroyForcibly);
    // The exit code of the child is fetched too: its pid is in use until then.
    Polling.until(
        () -> !process.isAlive() && tree.stream().skip(1).allMatch(ChildProcess::isGone),
        GONE_LIMIT);
    OrphanCleaner.instance().remove(this);
  }

  /** Ends the tree, first with SIGQUIT if it was given a grace, then with SIGKILL. */
  void stop() {
    if (process.isAlive() && !grace.isZero()) {
      Shell.signal("CONT", List.of(pid()));
      Shell.signal("QUIT", List.of(pid()));
      Polling.until(() -> !process.isAlive(), grace);
    }
    kill();
  }

  private void signalAll(String signal) {
    Shell.signal(signal, tree().stream().map(ProcessHandle::pid).toList());
  }

  private List<ProcessHandle> tree() {
    return Stream.concat(Stream.of(process.toHandle()), process.descendants()).toList();
  }

  /**
   * A process whose new parent never fetches its exit code stays listed, but holds no resources.
   */
  static boolean isGone(ProcessHandle handle) {
    if (!handle.isAlive()) {
      return true;
    }
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(handle.pid()), "stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2) == 'Z';
    } catch (IOException vanished) {
      return true;
    }
  }
}
