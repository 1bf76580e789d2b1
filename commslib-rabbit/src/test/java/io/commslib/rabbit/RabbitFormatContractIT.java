package io.commslib.rabbit;

import io.commslib.core.format.PlainFormatBuilder;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.observe.CommsObserver;
import io.commslib.jackson.MassTransitFormat;
import io.commslib.jackson.PlainFormat;
import io.commslib.testkit.contract.BadInputHarness;
import io.commslib.testkit.contract.FormatContract;
import io.commslib.testkit.servers.RabbitServer;
import java.util.Map;

/** Formats on a real RabbitMQ. */
class RabbitFormatContractIT extends FormatContract {

  @Override
  protected BadInputHarness createHarness(CommsObserver observer) {
    return new RabbitHarness(RabbitServer.shared().uri(), observer);
  }

  @Override
  protected PlainFormatBuilder plainJson() {
    return PlainFormat.json();
  }

  @Override
  protected MessageFormat massTransit(Map<String, String> types) {
    return MassTransitFormat.of(types);
  }

  /** A record of AMQP always has a body. */
  @Override
  protected boolean hasTombstones() {
    return false;
  }
}
