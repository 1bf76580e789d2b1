package io.commslib.kafka;

import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.contract.SaboteurContract;
import io.commslib.testkit.contract.TransportHarness;
import io.commslib.testkit.servers.KafkaServer;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Every saboteur on topics with names of their own that exist already; long verification. */
class KafkaBoundSaboteurIT extends SaboteurContract {

  private static final String SERVERS = KafkaServer.shared().bootstrapServers();

  private static Admin admin;

  @BeforeAll
  static void connect() {
    admin = Admin.create(Map.of("bootstrap.servers", SERVERS));
  }

  @AfterAll
  static void disconnect() {
    admin.close();
  }

  @Override
  protected TransportHarness createHarness(CommsObserver observer) {
    return KafkaHarness.onExistingTopics(SERVERS, admin, observer);
  }
}
