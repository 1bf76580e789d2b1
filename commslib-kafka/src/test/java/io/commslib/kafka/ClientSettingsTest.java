package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.SubscriptionConfig;
import org.junit.jupiter.api.Test;

class ClientSettingsTest {

  private static final int MEBIBYTE = 1024 * 1024;

  private static SubscriptionConfig.Builder config() {
    return SubscriptionConfig.builder(Destination.queue("orders"));
  }

  @Test
  void aPollOfTheLargestBodiesStaysWithinTheBytesInFlight() {
    SubscriptionConfig config = config().maxInFlightBytes(64L * MEBIBYTE).build();
    assertThat(ClientSettings.pollRecords(config, MEBIBYTE)).isEqualTo(64);
    assertThat(ClientSettings.pollRecords(config, 64 * MEBIBYTE)).isEqualTo(1);
    assertThat(ClientSettings.pollRecords(config, 1_024)).isEqualTo(500);
  }

  @Test
  void aPollStaysWithinTheMessagesInFlight() {
    SubscriptionConfig config = config().workers(2).maxInFlight(10).build();
    assertThat(ClientSettings.pollRecords(config, 1_024)).isEqualTo(10);
  }
}
