package io.commslib.kafka;

import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.contract.BadInputContract;
import io.commslib.testkit.contract.BadInputHarness;
import io.commslib.testkit.servers.KafkaServer;

/** The catalogue of bad input on a real Kafka. */
class KafkaBadInputIT extends BadInputContract {

  @Override
  protected BadInputHarness createHarness(CommsObserver observer) {
    return new KafkaHarness(KafkaServer.shared().bootstrapServers(), observer);
  }
}
