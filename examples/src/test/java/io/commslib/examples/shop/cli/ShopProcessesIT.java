package io.commslib.examples.shop.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.examples.shop.ShopMain;
import io.commslib.testkit.Await;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Each service in a separate process; one is killed and restarted with the command that the run
 * prints.
 */
class ShopProcessesIT {

  private static final Duration LIMIT = Duration.ofSeconds(60);

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  @Test
  void aKilledAndRestartedServiceFinishesTheRunWithTheSameTotals() throws Exception {
    PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
    CompletableFuture<Integer> run = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () ->
                run.complete(
                    ShopCommand.run(
                        print,
                        print,
                        "--broker",
                        "rabbit",
                        "--database",
                        "postgres",
                        "--processes",
                        "--speed",
                        "60")),
            "shop-under-test");
    thread.start();
    Await.until("payment runs", LIMIT, () -> text().contains("service payment is process "));
    Await.until(
        "orders flow", LIMIT, () -> Pattern.compile("fed [1-9]\\d* of").matcher(text()).find());
    long pid = Long.parseLong(found("service payment is process (\\d+)"));
    ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    ProcessHandle.of(pid).ifPresent(handle -> handle.onExit().join());
    Process restarted =
        restart(found("to restart a service: examples/run shop --service NAME ([^\\n]*)"));
    try {
      assertThat(run.get(120, java.util.concurrent.TimeUnit.SECONDS)).as(text()).isZero();
      assertThat(text())
          .contains(
              "\"orders\":280,\"shipped\":233,\"rejected\":47", "\"chargedTotal\":\"82371.17\"")
          .contains("\"lost\":0,\"duplicateEffects\":0,\"outOfOrder\":0");
    } finally {
      restarted.destroyForcibly();
    }
  }

  private static Process restart(String addresses) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    command.addAll(
        List.of("-Xmx192m", "-cp", classPath, ShopMain.class.getName(), "--service", "payment"));
    command.addAll(List.of(addresses.strip().split(" ")));
    return new ProcessBuilder(command)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private String text() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String found(String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(text());
    assertThat(matcher.find()).as(pattern).isTrue();
    return matcher.group(1);
  }
}
