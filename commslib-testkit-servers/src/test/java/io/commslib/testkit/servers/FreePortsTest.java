package io.commslib.testkit.servers;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FreePortsTest {

  @Test
  void staysBelowTheRangeOfOutgoingConnections() {
    for (int draw = 0; draw < 50; draw++) {
      assertThat(FreePorts.next()).isBetween(15_000, 31_999);
    }
  }
}
