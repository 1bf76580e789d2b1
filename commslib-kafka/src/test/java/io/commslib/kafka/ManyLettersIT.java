package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.testkit.servers.KafkaServer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Dead letters in a heap that is smaller than all of them together. The documented sizes run with
 * {@code -Dcommslib.heap=full}.
 */
class ManyLettersIT {

  @Test
  void listingByCauseAndRedrivingOneNeedsTheMemoryOfOnePage() throws Exception {
    if ("full".equals(System.getProperty("commslib.heap"))) {
      run("128m", 1_000);
    } else {
      run("64m", 80);
    }
  }

  private static void run(String heap, int letters) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + heap,
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                ManyLetters.class.getName(),
                KafkaServer.shared().bootstrapServers(),
                Integer.toString(letters))
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(output).contains("listed " + letters + " and redrove one");
    assertThat(process.exitValue()).isZero();
  }
}
