package io.commslib.examples.shop.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.examples.shop.storefront.InvoiceFile;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code --queries grpc}: price and stock are asked for and watched while the shop works. */
@Timeout(120)
class ShopQueriesTest {

  @TempDir private Path folder;

  private String shop(String... arguments) {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    PrintStream print = new PrintStream(text, true, StandardCharsets.UTF_8);
    int code = ShopCommand.run(print, print, arguments);
    String out = text.toString(StandardCharsets.UTF_8);
    assertThat(code).as(out).isZero();
    return out;
  }

  /** The last line, without the time. */
  private static String totals(String out) {
    String last = out.strip().lines().reduce((first, second) -> second).orElseThrow();
    assertThat(last).startsWith("{\"orders\":");
    return last.replaceFirst(",\"seconds\":.*", "");
  }

  private Path orders() throws Exception {
    List<String> lines = new ArrayList<>(List.of(String.join(",", InvoiceFile.HEADER)));
    for (int i = 0; i < 40; i++) {
      String customer = i % 4 == 3 ? "" : "c" + i % 3;
      lines.add(i + ",A" + i % 5 + ",d," + (1 + i % 7) + ",t,1.50," + customer + ",UK");
    }
    return Files.write(folder.resolve("orders.csv"), lines);
  }

  @Test
  void theTotalsAreThoseOfARunWithoutQueries() throws Exception {
    String file = orders().toString();
    String queried = shop("--queries", "grpc", "--orders", file);
    assertThat(totals(queried)).isEqualTo(totals(shop("--queries", "none", "--orders", file)));
    assertThat(queried)
        .contains("; after it 40 of 40 right")
        .containsPattern("stock over gRPC: [1-9]\\d* levels of 5 articles in [1-9]");
  }

  @Test
  void killedServicesChangeNoTotalAndAnswerAgain() {
    String killed = shop("--queries", "grpc", "--chaos", "--seed", "3");
    assertThat(killed)
        .contains("KILL inventory", "\"orders\":280,\"shipped\":233,\"rejected\":47")
        .contains("\"chargedTotal\":\"82371.17\"", "\"messages\":2067,\"lost\":0")
        .contains("; after it 280 of 280 right")
        .containsPattern("levels of 21 articles in [2-9]\\d* streams");
  }

  @Test
  void aSummaryOverHttpHasPriceAndStockToo() throws Exception {
    String out = shop("--queries", "grpc", "--intake", "http", "--orders", orders().toString());
    assertThat(out)
        .containsPattern(
            "summary, all services: .*\"missing\":\\[],\"price\":\"\\d+\\.50\",\"stock\":\\{\"A\\d\":");
  }
}
