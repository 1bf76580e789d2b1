package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.testkit.sabotage.Saboteur;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on destinations that are only checked. */
abstract class VerifyOnlyChapter extends ContractFixture {

  @Test
  @DisplayName("Verify-only refuses a destination that does not exist and creates nothing")
  @BrokenBy(Saboteur.DECLARES_SILENTLY)
  void verifyOnlyCreatesNothing() {
    Destination queue = Destination.queue(freshName());
    DestinationConfig verify = DestinationConfig.builder(queue).verifyOnly().build();
    assertThatThrownBy(() -> transport.declare(verify)).isInstanceOf(SubscribeException.class);
    assertThatThrownBy(() -> transport.declare(verify)).isInstanceOf(SubscribeException.class);
    Destination existing = queue();
    transport.declare(DestinationConfig.builder(existing).partitions(4).verifyOnly().build());
  }
}
