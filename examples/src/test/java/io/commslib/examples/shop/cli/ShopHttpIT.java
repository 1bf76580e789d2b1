package io.commslib.examples.shop.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.time.SystemRuntime;
import io.commslib.examples.shop.platform.ShopEnvironment;
import io.commslib.examples.shop.platform.ShopHttp;
import io.commslib.examples.shop.storefront.InvoiceFile;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code --intake http}: the storefront posts invoices over a network that fails. */
@Timeout(60)
class ShopHttpIT {

  private static final int LINES = 120;

  @TempDir private Path folder;

  private final ByteArrayOutputStream text = new ByteArrayOutputStream();
  private final PrintStream print = new PrintStream(text, true, StandardCharsets.UTF_8);

  private String out() {
    return text.toString(StandardCharsets.UTF_8);
  }

  @Test
  void networkFaultsChangeNoTotalAndADeadServiceIsNamedInASummary() throws Exception {
    int code =
        ShopCommand.run(
            print, print, "--intake", "http", "--faults", "1", "--orders", sample().toString());
    assertThat(code).as(out()).isZero();
    assertThat(out())
        .contains("\"lost\":0,\"duplicateEffects\":0,\"outOfOrder\":0")
        .containsPattern("attempts repeated: [1-9]")
        .containsPattern(
            "summary, all services: \\{\"order\":\\{.*\"status\":\"SHIPPED\".*\"payment\":\\{.*"
                + "\"shipping\":\\{.*\"missing\":\\[]}")
        .containsPattern(
            "summary, without shipping: \\{\"order\":\\{.*\"shipping\":null,"
                + "\"missing\":\\[\"shipping\"]}");
  }

  /** A part of the sample, to save time. */
  private Path sample() throws IOException {
    try (InputStream sample =
            ShopCommand.class.getResourceAsStream("/io/commslib/examples/shop/sample-orders.csv");
        BufferedReader lines =
            new BufferedReader(
                new InputStreamReader(
                    Objects.requireNonNull(sample, "sample"), StandardCharsets.UTF_8))) {
      return Files.write(folder.resolve("orders.csv"), lines.lines().limit(LINES).toList());
    }
  }

  @Test
  void lostAnswersAreHarmless() throws Exception {
    assertThat(runWithLostAnswers(false)).as(out()).isZero();
    assertThat(out()).contains("\"lost\":0,\"duplicateEffects\":0,\"outOfOrder\":0");
  }

  /** The saboteur: each attempt has another key. */
  @Test
  void theCheckNoticesRequestsThatTakeEffectTwice() throws Exception {
    assertThat(runWithLostAnswers(true)).as(out()).isEqualTo(1);
    assertThat(out())
        .containsPattern("\"duplicateEffects\":[1-9]")
        .contains("WRONG duplicateEffects");
  }

  private int runWithLostAnswers(boolean replacesKeys) throws Exception {
    StringBuilder lines = new StringBuilder(String.join(",", InvoiceFile.HEADER) + "\n");
    for (int i = 0; i < 12; i++) {
      lines.append(i).append(",A,d,1,t,1.50,c").append(i % 3).append(",UK\n");
    }
    Path file = Files.writeString(folder.resolve("orders.csv"), lines);
    ShopOptions options = ShopOptions.parse("--intake", "http", "--orders", file.toString());
    try (SystemRuntime runtime = SystemRuntime.create();
        Databases databases = Databases.h2(folder);
        Brokers brokers = Brokers.at(ShopOptions.Broker.MEMORY, "", runtime, false);
        ShopNetwork network = ShopNetwork.open(options, runtime);
        LossyForwarder forwarder =
            new LossyForwarder(network.http().orElseThrow().port("order"), replacesKeys)) {
      ShopHttp real = network.http().orElseThrow();
      Map<String, URI> addresses = new HashMap<>(real.addresses());
      addresses.put("order", forwarder.address());
      ShopHttp lossy = new ShopHttp(real.resilience(), real.ports(), addresses);
      ShopEnvironment environment =
          new LocalEnvironment(
              databases, brokers, runtime, Optional.of(lossy), Optional.empty(), options);
      return new ShopRun(options, environment, print, Duration.ofSeconds(3))
          .execute(
              file,
              InvoiceFile.read(file),
              new LocalServices(environment),
              Chaos.none(),
              Optional.empty());
    }
  }
}
