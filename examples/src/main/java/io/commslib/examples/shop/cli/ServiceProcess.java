package io.commslib.examples.shop.cli;

import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * {@code --service NAME}: one service in this process, until its input ends or it is terminated.
 */
final class ServiceProcess {

  /** What the process prints once the service takes work. */
  static final String READY = "ready";

  private static final Duration DRAIN = Duration.ofSeconds(10);

  private ServiceProcess() {}

  static int run(ShopOptions options) throws IOException, InterruptedException {
    String service = options.service().orElseThrow();
    String address = options.kafka().or(options::rabbit).orElseThrow();
    try (CommsRuntime runtime = SystemRuntime.create();
        Databases databases = Databases.postgres(options.jdbc().orElseThrow(), "", "");
        Brokers brokers = Brokers.at(options.broker(), address, runtime, true);
        Lifecycle lifecycle =
            LocalServices.WIRING
                .get(service)
                .apply(new LocalEnvironment(databases, brokers, runtime, options.repeat()))) {
      lifecycle.start();
      Thread leave = new Thread(() -> lifecycle.drain(DRAIN), "shop-leave");
      Runtime.getRuntime().addShutdownHook(leave);
      System.out.println(READY);
      if (!options.withInput()) {
        new CountDownLatch(1).await();
      }
      while (System.in.read() >= 0) {
        // Whoever started this process ends it by closing its input, also by dying.
      }
      lifecycle.drain(DRAIN);
      return 0;
    }
  }
}
