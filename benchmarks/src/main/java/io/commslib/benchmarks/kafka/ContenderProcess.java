package io.commslib.benchmarks.kafka;

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

/** A contender in a JVM of its own, seen from the benchmark. */
final class ContenderProcess implements AutoCloseable {

  private final Process process;
  private final BufferedReader answers;
  private final Writer orders;

  private ContenderProcess(Process process) {
    this.process = process;
    this.answers =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    this.orders = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
  }

  static ContenderProcess start(
      Path javaHome, String classPath, String kind, String servers, String... options)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(javaHome.resolve("bin").resolve("java").toString());
    command.add("-XX:+UseG1GC");
    command.addAll(List.of(options));
    command.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=off");
    command.add("-cp");
    command.add(classPath);
    command.add(ContenderMain.class.getName());
    command.add(kind);
    command.add(servers);
    return new ContenderProcess(
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  Contender.Figures run(Order order) throws IOException {
    orders.write(order.line() + "\n");
    orders.flush();
    for (String line = answers.readLine(); line != null; line = answers.readLine()) {
      if (line.startsWith(ContenderMain.FIGURES)) {
        return Contender.Figures.parse(line.substring(ContenderMain.FIGURES.length()));
      }
    }
    throw new IOException("the contender died; its last words are above");
  }

  /** The processor time this process has had, of its ended threads too. */
  long processorNanos() {
    return process.info().totalCpuDuration().orElse(Duration.ZERO).toNanos();
  }

  @Override
  public void close() throws IOException {
    orders.close();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
