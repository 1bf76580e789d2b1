package io.commslib.kafka;

import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.contract.SaboteurContract;
import io.commslib.testkit.contract.TransportHarness;
import io.commslib.testkit.servers.KafkaServer;
import java.util.Map;
import java.util.Set;
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

  /**
   * Kafka keeps what no group receives, so it refuses neither that nor an early start; and a group
   * that merges others begins where the group itself would.
   */
  @Override
  protected Set<String> withoutEffect() {
    return Set.of(
        "unroutableFailsNotSentOrIsKept with CONFIRMS_FAILURES",
        "unroutableToOptionalIsConfirmed with FORGETS_OPTIONAL",
        "earliestIsKeptOrRefused with FORGETS_DEMANDS",
        "latestStartsAfterExistingMessages with MERGES_GROUPS");
  }
}
