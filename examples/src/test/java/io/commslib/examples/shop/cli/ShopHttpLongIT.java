package io.commslib.examples.shop.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code --intake http} with faults on Kafka and PostgreSQL: minutes, in {@code verify --long}. */
class ShopHttpLongIT {

  @ParameterizedTest
  @Timeout(240)
  @ValueSource(strings = {"", "--chaos --seed 1"})
  void theSampleHasTheTotalsOfItsMessages(String more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--intake",
                "http",
                "--faults",
                "1",
                "--broker",
                "kafka",
                "--database",
                "postgres"));
    if (!more.isEmpty()) {
      arguments.addAll(List.of(more.split(" ")));
      arguments.addAll(List.of("--repeat", "3"));
    }
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    PrintStream print = new PrintStream(text, true, StandardCharsets.UTF_8);
    int code = ShopCommand.run(print, print, arguments.toArray(new String[0]));
    String out = text.toString(StandardCharsets.UTF_8);
    assertThat(code).as(out).isZero();
    assertThat(out).contains("\"lost\":0,\"duplicateEffects\":0,\"outOfOrder\":0");
  }
}
