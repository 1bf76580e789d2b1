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

/** A child JVM. It ends when its input is closed, so it also ends with this process. */
public final class ChildJvm {

  private static final Duration LIMIT = Duration.ofSeconds(120);

  private final Process process;
  private final Path log;

  private ChildJvm(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  /**
   * Starts a JVM.
   *
   * @param options the options of the JVM
   * @param mainClass the main class
   * @param arguments the arguments of the main method
   * @param log the file that receives its output
   * @return the running child
   */
  public static ChildJvm start(
      List<String> options, String mainClass, List<String> arguments, Path log) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"));
    command.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
    command.addAll(options);
    // In the build's tests java.class.path names only a jar of the test runner.
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

  /** {@return the process id} */
  public long pid() {
    return process.pid();
  }

  /** {@return whether it runs} */
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

  /** {@return the output so far} */
  public String output() {
    try {
      return Files.exists(log) ? Files.readString(log, StandardCharsets.UTF_8) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits until it ends by itself; returns its exit status, or -1 after the limit. */
  public int awaitExit(Duration limit) {
    try {
      return process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS) ? process.exitValue() : -1;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return -1;
    }
  }

  /** Sends SIGSTOP: the process makes no progress, its connections stay open. */
  public void suspend() {
    signal("-STOP");
  }

  /** Sends SIGCONT. */
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

  /** Sends SIGTERM: the process ends in order. */
  public void terminate() {
    process.destroy();
  }

  /** Sends SIGKILL and waits until the process has ended. */
  public void kill() {
    process.destroyForcibly();
    awaitExit(LIMIT);
  }

  /** Closes its input, which ends it in order; kills it if it does not end. */
  public void close() {
    try {
      process.getOutputStream().close();
    } catch (IOException e) {
      // It has ended already.
    }
    if (awaitExit(LIMIT) < 0) {
      kill();
    }
  }
}
