package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.testkit.servers.RabbitServer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Dead letters in a heap that is smaller than their total size. The sizes in the documentation run
 * with {@code -Dcommslib.heap=full}.
 */
class ManyLettersIT {

  private static final boolean FULL = "full".equals(System.getProperty("commslib.heap"));

  @Test
  void listingByCauseAndRedrivingOneNeedsTheMemoryOfOnePage() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                FULL ? "-Xmx128m" : "-Xmx48m",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                ManyLetters.class.getName(),
                RabbitServer.shared().uri(),
                FULL ? "1000" : "60")
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(output).contains("listed " + (FULL ? 1_000 : 60) + " and redrove one");
    assertThat(process.exitValue()).isZero();
  }
}
