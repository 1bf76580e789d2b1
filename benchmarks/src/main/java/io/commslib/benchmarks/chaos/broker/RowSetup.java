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

/** The settings of a row. Changed while the row is set up, then only read. */
final class RowSetup {

  int brokerCount = 1;
  Map<String, String> brokerSettings = new HashMap<>();
  GroupProtocol protocol = GroupProtocol.CLASSIC;

  /** Whether members are separate processes over a database. */
  boolean membersAsProcesses;

  /** The database for inbox and effects of member processes. */
  ChaosDatabase.Kind database = ChaosDatabase.Kind.POSTGRESQL;

  /** Whether application code in the members' processes throws planned errors. */
  boolean plantErrors;

  /** Whether members are slow, and fail with some messages until they are redriven. */
  boolean failUntilRedriven;

  /** The largest message that members accept, in bytes. */
  int maxMessageBytes = 2 * 1024 * 1024;

  int maxInFlight = 500;

  /** Whether clients reach the broker through a proxy only. */
  boolean behindProxy;

  Duration publishTimeout = Duration.ofSeconds(15);
  int heapMegabytes = 96;
  int memberCount = 3;
  int producerCount = 4;
  int keys = 50;
  int rounds;
  int bodyBytes = 1_024;
  Map<String, String> clientSettings = new HashMap<>();
  Consumer<KafkaTransportConfig.Builder> transportCustomizer = config -> {};
  Consumer<SubscriptionConfig.Builder> subscriptionCustomizer = config -> {};
  Consumer<Delivery> handlerWork = delivery -> {};
  BrokerSaboteur saboteur = BrokerSaboteur.NONE;

  RowSetup(int rounds) {
    this.rounds = rounds;
  }

  int messages() {
    return producerCount * keys * rounds;
  }
}
