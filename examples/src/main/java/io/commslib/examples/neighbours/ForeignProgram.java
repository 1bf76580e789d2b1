package io.commslib.examples.neighbours;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A program of {@code examples/neighbours} in a process of its own. Thread-safe.
 *
 * <p>It ends after five minutes at the latest, also when this JVM was killed before.
 */
public final class ForeignProgram implements AutoCloseable {

  /** The Python for which Debian's packages are installed. */
  static final String PYTHON = "/usr/bin/python3";

  /** The folder of the programs, beside the compiled classes. */
  static final Path FOLDER = folder();

  private static final String LIFETIME_SECONDS = "300";
  private static final Duration END = Duration.ofSeconds(10);

  private final String name;
  private final Process process;
  private final Consumer<String> listener;
  private final List<String> lines = new ArrayList<>();
  private final Thread reader;

  private ForeignProgram(String name, Process process, Consumer<String> listener) {
    this.name = name;
    this.process = process;
    this.listener = listener;
    this.reader = new Thread(this::read, "foreign-" + name);
  }

  /**
   * Starts a program.
   *
   * @param file its name: {@code .js} runs with Node, {@code .py} with Python
   * @param environment variables for it, in addition to those of this process
   * @param listener called with each line that it prints, by one thread, in order
   * @return the program; the caller closes it
   */
  public static ForeignProgram start(
      String file, Map<String, String> environment, Consumer<String> listener) {
    List<String> command = new ArrayList<>(List.of("timeout", "-k", "5", LIFETIME_SECONDS));
    command.addAll(file.endsWith(".js") ? List.of("node") : List.of(PYTHON, "-u", "-B"));
    command.add(FOLDER.resolve(file).toString());
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    builder.environment().put("KAFKAJS_NO_PARTITIONER_WARNING", "1");
    try {
      Process process = builder.start();
      process.getOutputStream().close();
      ForeignProgram program = new ForeignProgram(file, process, listener);
      program.reader.start();
      return program;
    } catch (IOException e) {
      throw new UncheckedIOException("can't run " + file, e);
    }
  }

  private static Path folder() {
    URI classes =
        URI.create(
            ForeignProgram.class.getProtectionDomain().getCodeSource().getLocation().toString());
    return Path.of(classes).getParent().getParent().resolve("neighbours");
  }

  private void read() {
    try (BufferedReader output =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        synchronized (lines) {
          lines.add(line);
        }
        listener.accept(line);
      }
    } catch (IOException closed) {
      // It was ended; what it printed before is kept.
    }
  }

  /** Returns whether it is running. */
  public boolean isRunning() {
    return process.isAlive();
  }

  /** Returns all that it has printed, errors included. */
  public String output() {
    synchronized (lines) {
      return String.join("\n", lines);
    }
  }

  /**
   * Waits until it has ended by itself, and its last line has been handed to the listener.
   *
   * @throws IllegalStateException with its whole output, if it fails or runs longer than the limit
   */
  public void awaitEnd(Duration limit) throws InterruptedException {
    boolean ended = process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
    if (ended) {
      reader.join(limit.toMillis());
    }
    if (!ended || process.exitValue() != 0) {
      throw new IllegalStateException(
          name
              + (ended ? " failed with exit code " + process.exitValue() : " runs after " + limit)
              + "; it printed:\n"
              + output());
    }
  }

  /** Ends it if it runs, and waits until it has ended. */
  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(END.toMillis(), TimeUnit.MILLISECONDS)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
      reader.join(END.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
