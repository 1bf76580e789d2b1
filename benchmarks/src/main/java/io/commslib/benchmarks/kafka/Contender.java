package io.commslib.benchmarks.kafka;

/** One way to publish to and consume from Kafka. */
interface Contender {

  int BODY_BYTES = 1_024;

  /** Publishes so many records of 1 KiB over so many keys; returns when all are acknowledged. */
  Figures publish(ContenderTask task) throws Exception;

  /** Consumes so many records in a new group, from the first record handled to the last. */
  Figures consume(ContenderTask task) throws Exception;

  /**
   * What was measured.
   *
   * @param perSecond records a second
   * @param bytesPerRecord bytes allocated by all threads of the JVM, a record
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
