package io.commslib.examples.shop.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code --queries grpc} on Kafka and PostgreSQL: minutes, in {@code verify --long}. */
class ShopQueriesLongIT {

  @ParameterizedTest
  @Timeout(240)
  @ValueSource(strings = {"--processes", "--chaos --seed 1 --repeat 3"})
  void queriesChangeNoTotal(String more) {
    String all = "--queries grpc --broker kafka --database postgres " + more;
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    PrintStream print = new PrintStream(text, true, StandardCharsets.UTF_8);
    int code = ShopCommand.run(print, print, all.split(" "));
    String out = text.toString(StandardCharsets.UTF_8);
    assertThat(code).as(out).isZero();
    assertThat(out)
        .contains("\"lost\":0,\"duplicateEffects\":0,\"outOfOrder\":0")
        .containsPattern("; after it (\\d+) of \\1 right");
  }
}
