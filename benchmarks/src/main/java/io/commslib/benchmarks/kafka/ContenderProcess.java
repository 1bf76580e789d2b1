package io.commslib.benchmarks.kafka;

import io.commslib.benchmarks.measure.LineProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The benchmark's handle on a contender in its own JVM. */
final class ContenderProcess implements AutoCloseable {

  private final LineProcess process;

  private ContenderProcess(LineProcess process) {
    this.process = process;
  }

  static ContenderProcess start(
      Path javaHome, String classPath, String kind, String servers, String... options)
      throws IOException {
    List<String> arguments = new ArrayList<>();
    arguments.add("-XX:+UseG1GC");
    arguments.addAll(List.of(options));
    arguments.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=off");
    arguments.add("-cp");
    arguments.add(classPath);
    arguments.add(ContenderMain.class.getName());
    arguments.add(kind);
    arguments.add(servers);
    return new ContenderProcess(LineProcess.start(javaHome, arguments));
  }

  Contender.Figures run(ContenderTask task) throws IOException {
    return Contender.Figures.parse(process.request(task.line(), ContenderMain.FIGURES));
  }

  long processorNanos() {
    return process.processorNanos();
  }

  @Override
  public void close() throws IOException {
    process.close();
  }
}
