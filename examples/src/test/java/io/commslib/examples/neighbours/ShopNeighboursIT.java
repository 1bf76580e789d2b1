package io.commslib.examples.neighbours;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.commslib.examples.shop.cli.ShopCommand;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code examples/run shop --neighbours}: Node services send, a Python service ships. */
@Tag("neighbours")
class ShopNeighboursIT {

  private static final int LINES = 150;

  @TempDir private Path folder;

  @Test
  @Timeout(value = 240, unit = TimeUnit.SECONDS)
  void ordersOfNodeServicesReachTheShopAndItsParcelsAPythonService() throws Exception {
    for (ForeignClient client :
        List.of(ForeignClient.KAFKAJS, ForeignClient.AMQPLIB, ForeignClient.PIKA)) {
      assumeTrue(
          client.isInstalled(), "NOT RUN: " + client + " is not installed (bin/setup neighbours)");
    }
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    PrintStream print = new PrintStream(text, true, StandardCharsets.UTF_8);
    int code = ShopCommand.run(print, print, "--neighbours", "--orders", someOrders().toString());
    String out = text.toString(StandardCharsets.UTF_8);
    assertThat(code).as(out).isZero();
    assertThat(out)
        .contains("\"lost\":0,\"duplicateEffects\":0,\"outOfOrder\":0")
        .containsPattern(
            "\"orders\":([0-9]+),\"shipped\":([0-9]+),\"rejected\":[0-9]+,\"returns\":([0-9]+),.*"
                + "\"ordersFromNode\":\\1,\"returnsFromNode\":\\3,\"parcelsToPython\":\\2,");
  }

  /** Writes a part of the sample, to save time. */
  private Path someOrders() throws IOException {
    try (InputStream sample =
            ShopCommand.class.getResourceAsStream("/io/commslib/examples/shop/sample-orders.csv");
        BufferedReader lines =
            new BufferedReader(
                new InputStreamReader(
                    Objects.requireNonNull(sample, "sample"), StandardCharsets.UTF_8))) {
      return Files.write(folder.resolve("orders.csv"), lines.lines().limit(LINES).toList());
    }
  }
}
