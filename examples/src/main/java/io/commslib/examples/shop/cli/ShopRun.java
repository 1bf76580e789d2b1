package io.commslib.examples.shop.cli;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.examples.shop.check.Expectation;
import io.commslib.examples.shop.check.ShopCheck;
import io.commslib.examples.shop.check.ShopReader;
import io.commslib.examples.shop.messages.ShopMessages;
import io.commslib.examples.shop.neighbours.NeighbourDesk;
import io.commslib.examples.shop.platform.ShopEnvironment;
import io.commslib.examples.shop.storefront.Invoice;
import io.commslib.examples.shop.storefront.InvoiceFile;
import io.commslib.examples.shop.storefront.Storefront;
import io.commslib.http.HttpService;
import io.commslib.jdbc.JdbcDatabase;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/** One run of the shop: feeds, waits until all is processed, checks, and prints the result. */
final class ShopRun {

  /**
   * The property that {@code examples/run} sets on a terminal; the JVM's own detection differs by
   * version.
   */
  private static final String TERMINAL = "commslib.terminal";

  private static final long POLL_NANOS = 200_000_000L;
  private static final long UNCHANGED_NANOS = 1_000_000_000L;
  private static final int MAX_DEAD_LETTERS = 100_000;

  private final ShopOptions options;
  private final ShopEnvironment environment;
  private final PrintStream out;
  private final Duration stallLimit;
  private final MessageTransport observer;
  private final ShopReader reader;
  private final long startNanos = System.nanoTime();

  /**
   * Creates a run.
   *
   * @param stallLimit the time without progress after which the run fails
   */
  ShopRun(ShopOptions options, ShopEnvironment environment, PrintStream out, Duration stallLimit) {
    this.stallLimit = stallLimit;
    this.options = options;
    this.environment = environment;
    this.out = out;
    this.observer = environment.transport("observer");
    ShopMessages.declare(observer);
    Map<String, JdbcDatabase> databases = new LinkedHashMap<>();
    databases.put(Storefront.NAME, environment.database(Storefront.NAME));
    ShopOptions.SERVICES.forEach(service -> databases.put(service, environment.database(service)));
    if (options.neighbours()) {
      databases.put(NeighbourDesk.NAME, environment.database(NeighbourDesk.NAME));
    }
    this.reader = new ShopReader(databases, this::deadLetterIds);
  }

  ShopReader reader() {
    return reader;
  }

  private Set<String> deadLetterIds() {
    Set<String> ids = new HashSet<>();
    ShopMessages.QUEUES.forEach(
        queue ->
            observer.deadLetters().list(queue, "main", MAX_DEAD_LETTERS).stream()
                .map(DeadLetter::messageId)
                .forEach(ids::add));
    return ids;
  }

  /** Runs the shop and returns the exit code. */
  int execute(
      Path file,
      InvoiceFile invoices,
      ServiceHost services,
      Chaos chaos,
      Optional<NeighbourPrograms> neighbours)
      throws IOException, SQLException {
    reportRejected(invoices);
    Storefront storefront = new Storefront(environment);
    storefront.lifecycle().start();
    services.start();
    List<Invoice> fed = new ArrayList<>(invoices.invoices());
    if (neighbours.isPresent()) {
      fed.removeIf(invoice -> invoice.kind() != Invoice.Kind.ADJUSTMENT);
      neighbours.get().start(invoices.invoices());
    }
    Optional<QueryCheck> queries =
        environment.queries().map(one -> QueryCheck.start(one, environment.runtime(), reader));
    Feeder feeder = new Feeder(storefront, fed, options);
    Progress progress = new Progress(out, Boolean.getBoolean(TERMINAL), feeder.total());
    List<String> problems = new ArrayList<>();
    chaos.begin(feeder, this, services, progress);
    feeder.start();
    boolean quiet = awaitQuiet(feeder, progress, chaos, neighbours);
    progress.end();
    if (!quiet) {
      problems.add("no progress for " + stallLimit.toSeconds() + " s");
    }
    problems.addAll(chaos.shortfalls());
    feeder.stop();
    if (queries.isPresent()) {
      problems.addAll(queries.get().problems(out));
      queries.get().close();
    }
    if (environment.http().isPresent()) {
      HttpService orders = environment.http().get().client("order");
      problems.addAll(SummaryCheck.problems(orders, reader, services, out));
    }
    services.close();
    storefront.lifecycle().drain(Duration.ofSeconds(10));
    Map<String, Object> figures =
        reader.figures((long) invoices.rejected().size() * options.repeat());
    problems.addAll(
        ShopCheck.differences(
            Expectation.of(file, options.repeat()), figures, reader, options.repeat()));
    if (neighbours.isPresent()) {
      problems.addAll(neighbours.get().differences(figures));
    }
    storefront.lifecycle().close();
    observer.close();
    summarise(figures, problems);
    return problems.isEmpty() ? 0 : 1;
  }

  private void reportRejected(InvoiceFile invoices) {
    invoices.rejected().stream()
        .limit(20)
        .forEach(line -> out.println("rejected line " + line.number() + ": " + line.reason()));
    if (invoices.rejected().size() > 20) {
      out.println("rejected " + (invoices.rejected().size() - 20) + " more lines");
    }
  }

  private boolean awaitQuiet(
      Feeder feeder, Progress progress, Chaos chaos, Optional<NeighbourPrograms> neighbours) {
    ShopReader.Status last = new ShopReader.Status(-1, -1, -1);
    long movedNanos = System.nanoTime();
    while (true) {
      ShopReader.Status now = statusOr(last);
      long fed = feeder.fed();
      if (!now.equals(last)) {
        movedNanos = System.nanoTime();
        last = now;
      }
      progress.show(fed, now);
      boolean fedAll =
          feeder.isDone()
              && chaos.isOver()
              && (neighbours.isEmpty() || neighbours.get().haveSentAll());
      long unchanged = System.nanoTime() - movedNanos;
      if (fedAll
          && (neighbours.isEmpty() || arrived() >= neighbours.get().sent())
          && now.unfinishedOrders() == 0
          && (now.unfinished() == 0 || unchanged > UNCHANGED_NANOS)
          && isQuiet()) {
        return true;
      }
      if (fedAll && unchanged > stallLimit.toNanos()) {
        return false;
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  /** Returns the status, or the last one while a database or broker is being killed. */
  ShopReader.Status statusOr(ShopReader.Status last) {
    try {
      return reader.status();
    } catch (SQLException | RuntimeException e) {
      return last;
    }
  }

  private long arrived() {
    try {
      return reader.arrived();
    } catch (SQLException | RuntimeException e) {
      return 0;
    }
  }

  private boolean isQuiet() {
    try {
      return reader.outstanding().isEmpty();
    } catch (SQLException | RuntimeException e) {
      return false;
    }
  }

  private void summarise(Map<String, Object> figures, List<String> problems) {
    figures.put("seconds", Math.round((System.nanoTime() - startNanos) / 1e7) / 100.0);
    out.println();
    figures.forEach((name, value) -> out.printf(Locale.ROOT, "  %-18s %s%n", name, value));
    out.println();
    if (problems.isEmpty()) {
      out.println(
          "all checks passed: money and stock match the file, no message lost, duplicated or out of order");
    } else {
      problems.forEach(problem -> out.println("WRONG " + problem));
    }
    StringBuilder json = new StringBuilder("{");
    figures.forEach(
        (name, value) ->
            json.append(json.length() == 1 ? "" : ",")
                .append('"')
                .append(name)
                .append("\":")
                .append(value instanceof String ? "\"" + value + "\"" : value));
    out.println(json.append('}'));
  }
}
