package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.kafka.GroupProtocol;
import io.commslib.kafka.KafkaTransportConfig;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/** With what a row begins. Set up by one row, then only read. */
final class RowSetup {

  int brokers = 1;
  Map<String, String> broker = new HashMap<>();
  GroupProtocol protocol = GroupProtocol.CLASSIC;

  /** Whether members are processes of their own, over PostgreSQL. */
  boolean processes;

  /** Where processes have inbox and effects. */
  ChaosDatabase.Kind database = ChaosDatabase.Kind.POSTGRESQL;

  /** Whether code in the members' processes that is not the library's meets errors. */
  boolean errors;

  /** Whether members are slow, and fail with some messages until they are redriven. */
  boolean failing;

  /** The largest body that members take. */
  int maxMessageBytes = 2 * 1024 * 1024;

  int maxInFlight = 500;

  /** Whether clients reach the broker through a proxy only. */
  boolean proxied;

  Duration publishTimeout = Duration.ofSeconds(15);
  int heapMegabytes = 96;
  int members = 3;
  int producers = 4;
  int keys = 50;
  int rounds;
  int bodyBytes = 1_024;
  Map<String, String> client = new HashMap<>();
  Consumer<KafkaTransportConfig.Builder> transport = config -> {};
  Consumer<SubscriptionConfig.Builder> subscription = config -> {};
  Consumer<Delivery> work = delivery -> {};
  Saboteur saboteur = Saboteur.NONE;

  RowSetup(int rounds) {
    this.rounds = rounds;
  }

  int messages() {
    return producers * keys * rounds;
  }
}
