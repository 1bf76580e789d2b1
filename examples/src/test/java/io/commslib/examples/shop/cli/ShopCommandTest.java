package io.commslib.examples.shop.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShopCommandTest {

  @TempDir Path folder;

  private record Result(int code, String out, String err) {}

  private static Result shop(String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        ShopCommand.run(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            arguments);
    return new Result(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  @Test
  void theBundledSamplePassesAndPrintsJsonAsItsLastLine() {
    Result result = shop();
    String last = result.out().strip().lines().reduce((first, second) -> second).orElseThrow();
    assertThat(result.code()).as(result.out()).isZero();
    assertThat(last)
        .matches(
            "\\{\"orders\":280,\"shipped\":233,\"rejected\":47,\"returns\":28,\"refunded\":22,\"refundsParked\":6,"
                + "\"adjustments\":23,\"rejectedLines\":8,\"chargedTotal\":\"82371.17\",\"refundedTotal\":\"1026.13\","
                + "\"unitsShipped\":9832,\"unitsRestocked\":181,\"unitsAdjusted\":-423,\"messages\":2067,\"lost\":0,"
                + "\"duplicateEffects\":0,\"outOfOrder\":0,\"seconds\":[0-9.]+}");
    assertThat(result.out()).contains("fed ");
  }

  @Test
  void crashedServicesDoNotChangeTheResult() {
    Result result = shop("--chaos", "--seed", "3");
    assertThat(result.out())
        .contains("KILL order", "KILL payment", "KILL inventory", "KILL shipping");
    assertThat(result.code()).as(result.out()).isZero();
  }

  @ParameterizedTest
  @Timeout(value = 15, unit = TimeUnit.SECONDS)
  @CsvSource(
      delimiter = '|',
      value = {
        "--nonsense|unknown option: --nonsense (see examples/run shop --help)",
        "--repeat 0|--repeat: 0 (expected: 1..1000)",
        "--repeat many|--repeat: many (expected: 1..1000)",
        "--repeat|--repeat: no value given (see examples/run shop --help)",
        "--speed 0|--speed: 0 (expected: 1..100000)",
        "--broker carrier-pigeon|--broker: carrier-pigeon (expected: one of [memory, kafka, rabbit])",
        "--database oracle|--database: oracle (expected: one of [h2, postgres])",
        "--kafka localhost:1|--kafka requires --broker kafka",
        "--seed 1|--seed requires --chaos",
        "--processes|--processes requires --broker kafka or rabbit: memory works in one process only",
        "--broker kafka --processes|separate service processes require --database postgres",
        "--service order|--service requires --broker kafka or rabbit: memory works in one process only",
        "--service bakery|--service: bakery (expected: one of [order, payment, inventory, shipping])",
        "--broker kafka --kafka here:1 --database postgres --chaos|--chaos kills the servers, so it starts its own: omit --kafka, --rabbit and --jdbc",
        "--intake post|--intake: post (expected: one of [messages, http])",
        "--faults 1|--faults requires --intake http",
        "--ports 1,2,3|--ports requires --intake http",
        "--intake http --ports 80,x,3|--ports: 80,x,3 (expected: three ports: order,payment,shipping)",
        "--intake http --faults no|--faults: no (expected: 0..2147483647)",
        "--service order --broker kafka --intake http --database postgres --jdbc jdbc:postgresql://h/d|--service with --intake http requires --ports",
        "--queries sql|--queries: sql (expected: one of [none, grpc])",
        "--query-ports 1,2,3|--query-ports requires --queries grpc",
        "--queries grpc --query-ports 80|--query-ports: 80 (expected: three ports: order,payment,inventory)",
        "--queries grpc --query-ports 80,81,99999|--query-ports: 99999 (expected: 1..65535)",
        "--service order --broker kafka --queries grpc --database postgres --jdbc jdbc:postgresql://h/d|--service with --queries grpc requires --query-ports",
        "--neighbours --intake http|--neighbours has its own intake: omit --intake",
        "--neighbours --broker kafka|--neighbours starts its own Kafka and RabbitMQ: omit --broker, --kafka and --rabbit",
        "--neighbours --chaos|--neighbours feeds the file once: omit --repeat, --speed, --chaos, --processes and --service",
        "--orders /no/such/file.csv|--orders: /no/such/file.csv does not exist; name a CSV file, or omit the option to use the sample"
      })
  void wrongArgumentsExitWithTwoAndPrintOneLine(String arguments, String line) {
    assertRefused(shop(arguments.split(" ")), line);
  }

  @Test
  void refusesAFileWithAnotherHeader() throws Exception {
    Path file = Files.writeString(folder.resolve("other.csv"), "a,b,c\n1,2,3\n");
    assertRefused(
        shop("--orders", file.toString()),
        "--orders: "
            + file
            + ": the first line is not the header InvoiceNo,StockCode,Description,Quantity,InvoiceDate,"
            + "UnitPrice,CustomerID,Country");
    Result folderResult = shop("--orders", folder.toString());
    assertThat(folderResult.code()).isEqualTo(2);
    assertThat(folderResult.err()).contains("can't be read").hasLineCount(1);
  }

  @Test
  @Timeout(value = 15, unit = TimeUnit.SECONDS)
  void theErrorNamesAnUnreachableDatabase() {
    Result result =
        shop(
            "--database",
            "postgres",
            "--jdbc",
            "jdbc:postgresql://127.0.0.1:1/shop?user=u&password=hunter2");
    assertThat(result.code()).isEqualTo(2);
    assertThat(result.err())
        .startsWith("shop: can't reach the database jdbc:postgresql://127.0.0.1:1/shop: ")
        .contains("check --jdbc")
        .doesNotContain("hunter2")
        .hasLineCount(1);
    assertThat(result.out()).doesNotContain("{");
  }

  @ParameterizedTest
  @Timeout(value = 15, unit = TimeUnit.SECONDS)
  @CsvSource({"kafka,--kafka,127.0.0.1:1", "rabbit,--rabbit,amqp://guest:hunter2@127.0.0.1:1"})
  void theErrorNamesAnUnreachableBroker(String broker, String option, String address) {
    Result result = shop("--broker", broker, option, address);
    assertThat(result.code()).isEqualTo(2);
    assertThat(result.err())
        .startsWith("shop: can't reach the broker")
        .contains("127.0.0.1:1", option)
        .doesNotContain("hunter2")
        .hasLineCount(1);
    assertThat(result.out()).doesNotContain("{");
  }

  private static void assertRefused(Result result, String line) {
    assertThat(result.code()).isEqualTo(2);
    assertThat(result.err().strip()).isEqualTo("shop: " + line);
    assertThat(result.out()).doesNotContain("{");
  }
}
