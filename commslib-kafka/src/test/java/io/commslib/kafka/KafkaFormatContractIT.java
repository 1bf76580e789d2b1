package io.commslib.kafka;

import io.commslib.core.format.PlainFormatBuilder;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.observe.CommsObserver;
import io.commslib.jackson.MassTransitFormat;
import io.commslib.jackson.PlainFormat;
import io.commslib.testkit.contract.BadInputHarness;
import io.commslib.testkit.contract.FormatContract;
import io.commslib.testkit.servers.KafkaServer;
import java.util.Map;

/** Formats on a real Kafka. */
class KafkaFormatContractIT extends FormatContract {

  @Override
  protected BadInputHarness createHarness(CommsObserver observer) {
    return new KafkaHarness(KafkaServer.shared().bootstrapServers(), observer);
  }

  @Override
  protected PlainFormatBuilder plainJson() {
    return PlainFormat.json();
  }

  @Override
  protected MessageFormat massTransit(Map<String, String> types) {
    return MassTransitFormat.of(types);
  }
}
