package io.commslib.benchmarks.kafka;

/** One way to publish to and consume from Kafka. */
interface Contender {

  int BODY_BYTES = 1_024;

  /** Publishes the task's records of 1 KiB over its keys; returns when all are acknowledged. */
  Figures publish(ContenderTask task) throws Exception;

  /**
   * Consumes the task's records in a new group; measures from the first handled record to the last.
   */
  Figures consume(ContenderTask task) throws Exception;

  /**
   * The measured figures.
   *
   * @param perSecond records per second
   * @param bytesPerRecord bytes allocated by all threads of the JVM per record
   */
  record Figures(double perSecond, double bytesPerRecord) {

    String line() {
      return perSecond + " " + bytesPerRecord;
    }

    static Figures parse(String line) {
      String[] words = line.split(" ");
      return new Figures(Double.parseDouble(words[0]), Double.parseDouble(words[1]));
    }
  }
}
