package io.commslib.benchmarks.chaos.kafka;

import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.kafka.GroupProtocol;
import io.commslib.kafka.KafkaTransportConfig;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/** With what a row begins. Set up by one row, then only read. */
final class Setting {

  int brokers = 1;
  Map<String, String> broker = new HashMap<>();
  GroupProtocol protocol = GroupProtocol.CLASSIC;

  /** Whether members are processes of their own, over PostgreSQL. */
  boolean processes;

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

  Setting(int rounds) {
    this.rounds = rounds;
  }

  int messages() {
    return producers * keys * rounds;
  }
}
