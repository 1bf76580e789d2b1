package io.commslib.examples.shop.cli;

import io.commslib.core.CommsException;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.examples.shop.storefront.InvoiceFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Comparator;
import java.util.stream.Stream;

/**
 * Runs the command line and returns the exit code: 0 if all checks passed, 1 if a check failed, 2
 * if the run could not start.
 */
public final class ShopCommand {

  private static final Duration STALL_LIMIT = Duration.ofSeconds(30);

  private ShopCommand() {}

  public static int run(PrintStream out, PrintStream err, String... arguments) {
    try {
      ShopOptions options = ShopOptions.parse(arguments);
      if (options.help()) {
        out.print(ShopOptions.HELP);
        return 0;
      }
      return options.service().isPresent() ? ServiceProcess.run(options) : runShop(options, out);
    } catch (UsageException e) {
      err.println("shop: " + e.getMessage());
      return 2;
    } catch (SubscribeException e) {
      err.println(
          "shop: can't reach the broker: "
              + firstLine(e)
              + "; check --kafka or --rabbit, or omit it to start a broker");
      return 2;
    } catch (CommsException e) {
      err.println("shop: the run could not start: " + firstLine(e));
      return 2;
    } catch (IOException | SQLException | RuntimeException e) {
      err.println("shop: failed: " + firstLine(e) + " (" + e.getClass().getSimpleName() + ")");
      return 2;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return 2;
    }
  }

  private static int runShop(ShopOptions options, PrintStream out)
      throws IOException, SQLException {
    Path folder = Files.createTempDirectory("commslib-shop-");
    try {
      if (options.neighbours()) {
        NeighbourPrograms.requireClients();
      }
      Path file = options.orders().isPresent() ? options.orders().get() : sample(folder);
      InvoiceFile invoices = read(file);
      try (CommsRuntime runtime = SystemRuntime.create();
          ShopServers servers = ShopServers.open(options, folder, runtime)) {
        ShopRun run = new ShopRun(options, servers.environment(), out, STALL_LIMIT);
        return run.execute(
            file, invoices, servers.services(out), servers.chaos(), servers.neighbours(out));
      }
    } finally {
      delete(folder);
    }
  }

  private static String firstLine(Throwable failure) {
    return String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
  }

  private static InvoiceFile read(Path file) {
    try {
      return InvoiceFile.read(file);
    } catch (NoSuchFileException e) {
      throw new UsageException(
          "--orders: "
              + file
              + " does not exist; name a CSV file, or omit the option to use the sample");
    } catch (IOException e) {
      throw new UsageException(
          "--orders: "
              + file
              + " can't be read ("
              + e.getMessage()
              + "); name a readable CSV file");
    } catch (IllegalArgumentException e) {
      throw new UsageException("--orders: " + file + ": " + e.getMessage());
    }
  }

  private static Path sample(Path folder) throws IOException {
    Path file = folder.resolve("sample-orders.csv");
    try (InputStream sample =
        ShopCommand.class.getResourceAsStream("/io/commslib/examples/shop/sample-orders.csv")) {
      Files.copy(java.util.Objects.requireNonNull(sample, "sample"), file);
    }
    return file;
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
