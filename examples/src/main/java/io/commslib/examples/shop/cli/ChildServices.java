package io.commslib.examples.shop.cli;

import io.commslib.examples.shop.ShopMain;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Runs each service in a separate process; a crash is a SIGKILL. */
final class ChildServices implements ServiceHost {

  private static final int START_TRIES = 5;

  private final Supplier<List<String>> addresses;
  private final Path logs;
  private final PrintStream out;
  private final Map<String, Process> running = new ConcurrentHashMap<>();

  ChildServices(Path logs, PrintStream out, Supplier<List<String>> addresses) {
    this.out = out;
    this.logs = logs;
    this.addresses = addresses;
  }

  @Override
  public void start() {
    out.println(
        "to restart a service: examples/run shop --service NAME "
            + String.join(" ", addresses.get()));
    // In parallel, since starting a JVM takes most of the time.
    List<Thread> starting = new ArrayList<>();
    List<RuntimeException> failures = java.util.Collections.synchronizedList(new ArrayList<>());
    for (String service : ShopOptions.SERVICES) {
      Thread thread =
          new Thread(
              () -> {
                try {
                  start(service);
                } catch (RuntimeException e) {
                  failures.add(e);
                }
              },
              "shop-start-" + service);
      thread.start();
      starting.add(thread);
    }
    for (Thread thread : starting) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    if (!failures.isEmpty()) {
      close();
      throw failures.get(0);
    }
  }

  /** Starts a service and waits until it is ready. */
  private void start(String service) {
    for (int attempt = 1; ; attempt++) {
      Process process = launch(service);
      running.put(service, process);
      if (awaitReady(process)) {
        out.println("service " + service + " is process " + process.pid());
        return;
      }
      process.destroyForcibly();
      if (attempt == START_TRIES) {
        throw new UsageException("service " + service + " does not start; see its log in " + logs);
      }
    }
  }

  private Process launch(String service) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.addAll(List.of("-cp", classPath()));
    command.addAll(List.of(ShopMain.class.getName(), "--service", service));
    command.addAll(addresses.get());
    command.add("--with-input");
    try {
      return new ProcessBuilder(command)
          .redirectError(ProcessBuilder.Redirect.appendTo(logs.resolve(service + ".log").toFile()))
          .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Returns the class path; in the build's tests java.class.path names only a jar of the test
   * runner.
   */
  private static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }

  private static boolean awaitReady(Process process) {
    try {
      BufferedReader output =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        if (line.equals(ServiceProcess.READY)) {
          return true;
        }
      }
      return false;
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public void crash(String service) {
    Process process = running.get(service);
    process.destroyForcibly();
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    start(service);
  }

  @Override
  public void stop(String service) {
    Process process = running.remove(service);
    closeInput(process);
    awaitEnd(process);
  }

  @Override
  public void close() {
    running.values().forEach(ChildServices::closeInput);
    running.values().forEach(ChildServices::awaitEnd);
    running.clear();
  }

  private static void awaitEnd(Process process) {
    try {
      if (!process.waitFor(15, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void closeInput(Process process) {
    try {
      process.getOutputStream().close();
    } catch (IOException e) {
      process.destroy();
    }
  }
}
