package io.commslib.benchmarks.measure;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A JVM that is asked by a line and answers by one with a known beginning. */
public final class LineProcess implements AutoCloseable {

  private static final long END_SECONDS = 10;

  private final Process process;
  private final BufferedReader answers;
  private final Writer orders;

  private LineProcess(Process process) {
    this.process = process;
    this.answers =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    this.orders = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
  }

  /**
   * Starts a JVM.
   *
   * @param javaHome of the JVM
   * @param arguments options, main class and its arguments
   * @return the process
   * @throws IOException if it can't be started
   */
  public static LineProcess start(Path javaHome, List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(javaHome.resolve("bin").resolve("java").toString());
    command.addAll(arguments);
    return new LineProcess(
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  /**
   * Asks, and waits for the answer. Other lines of output are skipped.
   *
   * @param order one line
   * @param beginning of the answer
   * @return the rest of the answer
   * @throws IOException if the JVM ends without an answer
   */
  public String ask(String order, String beginning) throws IOException {
    orders.write(order + "\n");
    orders.flush();
    for (String line = answers.readLine(); line != null; line = answers.readLine()) {
      if (line.startsWith(beginning)) {
        return line.substring(beginning.length());
      }
    }
    throw new IOException("a JVM ended without an answer; its last output is above");
  }

  /** Returns the processor time of all threads of the JVM so far, ended ones included. */
  public long processorNanos() {
    return process.info().totalCpuDuration().orElse(Duration.ZERO).toNanos();
  }

  @Override
  public void close() throws IOException {
    orders.close();
    try {
      if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
