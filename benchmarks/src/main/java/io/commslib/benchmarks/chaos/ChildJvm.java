package io.commslib.benchmarks.chaos;

import io.commslib.testkit.Await;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A JVM of the harness's own. It ends when its input does, so also with the harness. */
public final class ChildJvm {

  private static final Duration LIMIT = Duration.ofSeconds(120);

  private final Process process;
  private final Path log;

  private ChildJvm(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  /**
   * Starts one.
   *
   * @param options of the JVM
   * @param mainClass what it runs
   * @param arguments of the main method
   * @param log where it prints to
   * @return running child
   */
  public static ChildJvm start(
      List<String> options, String mainClass, List<String> arguments, Path log) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"));
    command.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
    command.addAll(options);
    // Under the build's tests the JVM's own class path is a jar of the test runner.
    command.add("-cp");
    command.add(
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    command.add(mainClass);
    command.addAll(arguments);
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
              .start();
      return new ChildJvm(process, log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the number of its process. */
  public long pid() {
    return process.pid();
  }

  /** Whether it runs. */
  public boolean isAlive() {
    return process.isAlive();
  }

  /** Waits until it has printed this line. */
  public void awaitLine(String line) {
    Await.until(
        "'" + line + "' in the log of a child, which is alive: " + process.isAlive(),
        LIMIT,
        () -> {
          if (output().contains(line)) {
            return true;
          }
          if (!process.isAlive()) {
            throw new AssertionError("child ended without '" + line + "': " + output());
          }
          return false;
        });
  }

  /** What it has printed. */
  public String output() {
    try {
      return Files.exists(log) ? Files.readString(log, StandardCharsets.UTF_8) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits until it has ended by itself and returns its status; -1 if it does not. */
  public int awaitExit(Duration limit) {
    try {
      return process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS) ? process.exitValue() : -1;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return -1;
    }
  }

  /** SIGSTOP: it stands still, connections stay open. */
  public void suspend() {
    signal("-STOP");
  }

  /** SIGCONT. */
  public void resume() {
    signal("-CONT");
  }

  private void signal(String signal) {
    try {
      int status =
          new ProcessBuilder("kill", signal, Long.toString(process.pid())).start().waitFor();
      if (status != 0) {
        throw new IllegalStateException("kill " + signal + " failed with " + status);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** SIGTERM: it ends in order. */
  public void terminate() {
    process.destroy();
  }

  /** SIGKILL; waits until it is gone. */
  public void kill() {
    process.destroyForcibly();
    awaitExit(LIMIT);
  }

  /** Lets it end in order, by the end of its input; kills it if it does not. */
  public void close() {
    try {
      process.getOutputStream().close();
    } catch (IOException e) {
      // It is gone already.
    }
    if (awaitExit(LIMIT) < 0) {
      kill();
    }
  }
}
