package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.SubscribeException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClientVersionTest {

  @ParameterizedTest
  @ValueSource(strings = {"2.8.0", "3.8.1", "3.9.1", "4.0.0", "4.0.1", "4.1.1", "4.1.1-SNAPSHOT"})
  void rejectsVersionsThatLoseRecords(String version) {
    assertThatThrownBy(() -> ClientVersion.check(version, GroupProtocol.CLASSIC))
        .isInstanceOf(SubscribeException.class)
        .hasMessage(
            "COMMS-KAFKA-011: kafka-clients: "
                + version
                + " (expected: 3.9.2, 4.0.2, 4.1.2 or newer; older ones can lose records)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.9.2", "4.0.2", "4.1.2", "4.2.0", "4.4.0", "5.0.0", "unknown"})
  void acceptsOtherVersions(String version) {
    assertThatCode(() -> ClientVersion.check(version, GroupProtocol.CLASSIC))
        .doesNotThrowAnyException();
  }

  @Test
  void acceptsTheVersionInUse() {
    assertThat(ClientVersion.inUse()).matches("[0-9]+\\.[0-9]+\\.[0-9]+.*");
    for (GroupProtocol protocol : GroupProtocol.values()) {
      assertThatCode(() -> ClientVersion.check(protocol)).doesNotThrowAnyException();
    }
  }

  @Test
  void rejectsTheNewerGroupProtocolOnAClientWhereItIsAPreview() {
    assertThatThrownBy(() -> ClientVersion.check("3.9.2", GroupProtocol.CONSUMER))
        .isInstanceOf(SubscribeException.class)
        .hasMessageContaining("COMMS-KAFKA-011: kafka-clients: 3.9.2 (expected: 4.0.2 or newer");
    assertThatCode(() -> ClientVersion.check("4.0.2", GroupProtocol.CONSUMER))
        .doesNotThrowAnyException();
  }

  @Test
  void namesTheMethodThatAClientLacks() {
    assertThatThrownBy(() -> ClientVersion.checkApi("9.0.0", Object.class))
        .isInstanceOf(SubscribeException.class)
        .hasMessageContaining("COMMS-KAFKA-011: kafka-clients: 9.0.0 (expected: ")
        .hasMessageContaining("Consumer.close(Duration)");
  }
}
