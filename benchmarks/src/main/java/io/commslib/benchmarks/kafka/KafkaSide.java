package io.commslib.benchmarks.kafka;

import io.commslib.benchmarks.compare.Scenario;
import io.commslib.benchmarks.compare.Side;
import java.io.IOException;
import java.nio.file.Path;

/** The scenarios on Kafka, run by a contender on the class path of one state. */
public final class KafkaSide implements Side {

  private static final String BACKLOG = "work";
  private static final int KEYS = 10_000;
  private static final int WORKERS = 8;

  private final ContenderProcess contender;
  private final String name;

  private KafkaSide(ContenderProcess contender, String name) {
    this.contender = contender;
    this.name = name;
  }

  /**
   * Starts a JVM on a class path.
   *
   * @param classPath the class path of the state
   * @param servers the bootstrap servers
   * @param name the name of the side, which is part of its topic's name
   * @return the side
   * @throws IOException if the JVM can't be started
   */
  public static KafkaSide start(String classPath, String servers, String name) throws IOException {
    Path javaHome = Path.of(System.getProperty("java.home"));
    return new KafkaSide(ContenderProcess.start(javaHome, classPath, "pool", servers), name);
  }

  /**
   * Publishes the records that the consumption rounds of both sides read.
   *
   * @param records the number of records
   * @throws IOException if the JVM has ended
   */
  public void publishBacklog(int records) throws IOException {
    contender.run(ContenderTask.publish(BACKLOG, records, KEYS));
  }

  @Override
  public Cost round(Scenario scenario) throws IOException {
    ContenderTask task =
        scenario == Scenario.PUBLISH
            ? ContenderTask.publish("publish-" + name, scenario.items(), KEYS)
            : ContenderTask.consume(BACKLOG, scenario.items(), 0, WORKERS);
    long before = contender.processorNanos();
    Contender.Figures figures = contender.run(task);
    long spent = contender.processorNanos() - before;
    return new Cost(
        figures.perSecond(), spent / (double) scenario.items(), figures.bytesPerRecord());
  }

  @Override
  public void close() throws IOException {
    contender.close();
  }
}
