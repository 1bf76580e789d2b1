package io.commslib.examples.neighbours;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Runs of one broker, some at the same time, each of which a test waits for. */
final class NeighbourRuns implements AutoCloseable {

  private static final int AT_THE_SAME_TIME = 4;

  /** Moves a thousand orders and checks that they arrived. */
  interface Run {
    void execute(Exchange exchange) throws Exception;
  }

  private final java.nio.file.Path folder;
  private final ExecutorService executor = Executors.newFixedThreadPool(AT_THE_SAME_TIME);
  private final Map<ForeignClient, Boolean> installed = new ConcurrentHashMap<>();
  private final Map<String, Future<?>> runs = new ConcurrentHashMap<>();
  private final Map<String, ForeignClient> missing = new ConcurrentHashMap<>();

  NeighbourRuns(java.nio.file.Path folder) {
    this.folder = folder;
  }

  /** Begins a run of a foreign client, unless that is not installed. */
  void begin(String name, ForeignClient client, Run run) {
    if (installed.computeIfAbsent(client, ForeignClient::isInstalled)) {
      begin(name, run);
    } else {
      missing.put(name, client);
    }
  }

  /** Begins a run. */
  void begin(String name, Run run) {
    runs.put(
        name,
        executor.submit(
            () -> {
              Exchange exchange = new Exchange(name, folder);
              run.execute(exchange);
              exchange.judge();
              return null;
            }));
  }

  /** Waits for the end of a run; the test is reported as not run if its client is missing. */
  void await(String name) throws Exception {
    ForeignClient client = missing.get(name);
    assumeTrue(
        client == null, () -> "NOT RUN: " + client + " is not installed (bin/setup neighbours)");
    try {
      runs.get(name).get();
    } catch (ExecutionException e) {
      throw new AssertionError(name + ": " + e.getCause().getMessage(), e.getCause());
    }
  }

  @Override
  public void close() {
    executor.shutdownNow();
  }
}
