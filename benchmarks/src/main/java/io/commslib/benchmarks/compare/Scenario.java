package io.commslib.benchmarks.compare;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** The work that is compared, with the number of items per round. */
public enum Scenario {
  /** A relay drains a table of rows to a transport that only counts. */
  DRAIN(100_000),
  /** Four threads commit a business row and a message, and a relay publishes it. */
  END_TO_END(20_000),
  /** One message per transaction with the inbox, on eight threads. */
  INBOX(12_000),
  /** A hundred messages per transaction with the inbox, on two threads. */
  BATCH(40_000),
  /** A request with a lease, on eight threads. */
  LEASE(12_000),
  /** One thread publishes records to Kafka. */
  PUBLISH(200_000),
  /** A new group consumes records from Kafka with handlers that do nothing. */
  CONSUME(400_000);

  private final int items;

  Scenario(int items) {
    this.items = items;
  }

  /** {@return the number of items per round} */
  public int items() {
    return items;
  }

  boolean isOnKafka() {
    return this == PUBLISH || this == CONSUME;
  }

  String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  static Optional<Scenario> of(String word) {
    return Arrays.stream(values()).filter(scenario -> scenario.word().equals(word)).findFirst();
  }
}
