package io.commslib.examples.neighbours;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The clients in other languages that {@code bin/setup neighbours} installs. */
public enum ForeignClient {
  KAFKAJS("kafkajs"),
  AMQPLIB("amqplib"),
  CLOUDEVENTS("cloudevents"),
  PIKA("pika"),
  KAFKA_PYTHON("kafka"),
  CONFLUENT_KAFKA("confluent_kafka");

  private final String module;

  ForeignClient(String module) {
    this.module = module;
  }

  /** Returns whether programs with this client can run here. Starts a process. */
  public boolean isInstalled() {
    return switch (this) {
      case KAFKAJS, AMQPLIB, CLOUDEVENTS ->
          Files.isDirectory(ForeignProgram.FOLDER.resolve("node_modules").resolve(module))
              && succeeds("node", "--version");
      case PIKA, KAFKA_PYTHON, CONFLUENT_KAFKA ->
          succeeds(ForeignProgram.PYTHON, "-c", "import " + module);
    };
  }

  private static boolean succeeds(String... command) {
    try {
      Process process =
          new ProcessBuilder(List.of(command))
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      process.getOutputStream().close();
      return process.waitFor(30, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (IOException notFound) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
