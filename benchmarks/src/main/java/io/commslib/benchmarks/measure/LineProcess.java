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

/** A JVM that reads one request per line and answers each by a line with a known prefix. */
public final class LineProcess implements AutoCloseable {

  private static final long EXIT_SECONDS = 10;

  private final Process process;
  private final BufferedReader answers;
  private final Writer requests;

  private LineProcess(Process process) {
    this.process = process;
    this.answers =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    this.requests = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
  }

  /**
   * Starts a JVM.
   *
   * @param javaHome the home of the JVM
   * @param arguments the options, the main class and its arguments
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
   * Sends a request and waits for the answer. Other lines of output are skipped.
   *
   * @param line the request, one line
   * @param prefix the prefix of the answer
   * @return the rest of the answer
   * @throws IOException if the JVM ends without an answer
   */
  public String request(String line, String prefix) throws IOException {
    requests.write(line + "\n");
    requests.flush();
    for (String answer = answers.readLine(); answer != null; answer = answers.readLine()) {
      if (answer.startsWith(prefix)) {
        return answer.substring(prefix.length());
      }
    }
    throw new IOException("a JVM ended without an answer; its last output is above");
  }

  /** {@return the processor time of all threads of the JVM so far, ended ones included} */
  public long processorNanos() {
    return process.info().totalCpuDuration().orElse(Duration.ZERO).toNanos();
  }

  @Override
  public void close() throws IOException {
    requests.close();
    try {
      if (!process.waitFor(EXIT_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
