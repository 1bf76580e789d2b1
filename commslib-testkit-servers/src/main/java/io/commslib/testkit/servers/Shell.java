package io.commslib.testkit.servers;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs short commands of the system to their end. */
final class Shell {

  private static final Duration LIMIT = Duration.ofSeconds(60);

  private Shell() {}

  /** Sends a signal; a process that has ended is no failure. */
  static void signal(String signal, List<Long> pids) {
    List<String> command = new ArrayList<>(List.of("sh", "-c", "kill -s \"$@\"", "sh", signal));
    pids.forEach(pid -> command.add(Long.toString(pid)));
    exitCode(command, Path.of("/dev/null"));
  }

  /** Returns whether the command exists and exits with 0. */
  static boolean succeeds(List<String> command) {
    return exitCode(command, Path.of("/dev/null")) == 0;
  }

  /** Runs the command; its output goes to the end of {@code log}. */
  static void run(List<String> command, Path log) {
    int exitCode = exitCode(command, log);
    if (exitCode != 0) {
      throw new ServerUnavailableException(
          command.get(0) + " failed with exit code " + exitCode + ServerLog.tail(log), null);
    }
  }

  /** Runs the command and returns what it printed, trimmed. */
  static String output(List<String> command) {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    try {
      Process process = builder.start();
      process.getOutputStream().close();
      String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int exitCode = await(process);
      if (exitCode != 0) {
        throw new ServerUnavailableException(
            String.join(" ", command) + " failed with exit code " + exitCode + ": " + text, null);
      }
      return text.trim();
    } catch (IOException e) {
      throw new ServerUnavailableException("cannot run " + command.get(0), e);
    }
  }

  private static int exitCode(List<String> command, Path log) {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(Map.of("LANG", "C.UTF-8", "LC_ALL", "C.UTF-8"));
    builder.redirectErrorStream(true);
    builder.redirectInput(Path.of("/dev/null").toFile());
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    try {
      return await(builder.start());
    } catch (IOException notFound) {
      return 127;
    }
  }

  /** Waits to the end even when interrupted: an abandoned command leaves an unknown state. */
  private static int await(Process process) {
    boolean interrupted = false;
    long deadline = System.nanoTime() + LIMIT.toNanos();
    try {
      while (true) {
        try {
          if (process.waitFor(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
            return process.exitValue();
          }
          process.destroyForcibly();
          return 124;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
