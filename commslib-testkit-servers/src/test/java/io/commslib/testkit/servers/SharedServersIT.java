package io.commslib.testkit.servers;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SharedServersIT {

  @Test
  void theEnvironmentNamesRunningServers() throws IOException {
    Map<String, String> environment =
        Map.of(
            "COMMSLIB_TEST_PG_URL", "jdbc:postgresql://db:1/main?ssl=true",
            "COMMSLIB_TEST_PG_USER", "ann",
            "COMMSLIB_TEST_PG_PASSWORD", "secret",
            "COMMSLIB_TEST_RABBIT_URI", "amqp://ann:secret@mq:2/tests",
            "COMMSLIB_TEST_KAFKA", "one:3,two:4");
    try (ServersProcess jvm = new ServersProcess(environment, "shared")) {
      assertThat(jvm.line()).isEqualTo("jdbc:postgresql://db:1/main?ssl=true");
      assertThat(jvm.line()).isEqualTo("ann");
      assertThat(jvm.line()).isEqualTo("secret");
      assertThat(jvm.line()).isEqualTo("jdbc:postgresql://db:1/orders?ssl=true");
      assertThat(jvm.line()).isEqualTo("amqp://ann:secret@mq:2/tests");
      assertThat(jvm.line()).isEqualTo("one:3,two:4");
      assertThat(jvm.line()).as("processes it started").isEmpty();
    }
  }
}
