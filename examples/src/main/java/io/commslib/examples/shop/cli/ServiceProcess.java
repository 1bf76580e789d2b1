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

  /** The line that the process prints when the service is ready. */
  static final String READY = "ready";

  private static final Duration DRAIN = Duration.ofSeconds(10);

  private ServiceProcess() {}

  static int run(ShopOptions options) throws IOException, InterruptedException {
    String service = options.service().orElseThrow();
    String address = options.kafka().or(options::rabbit).orElseThrow();
    try (CommsRuntime runtime = SystemRuntime.create();
        Databases databases = Databases.postgres(options.jdbc().orElseThrow(), "", "");
        Brokers brokers = Brokers.at(options.broker(), address, runtime, true);
        ShopNetwork network = ShopNetwork.open(options, runtime);
        Lifecycle lifecycle =
            LocalServices.WIRING
                .get(service)
                .apply(
                    new LocalEnvironment(
                        databases, brokers, runtime, network.http(), network.queries(), options))) {
      lifecycle.start();
      Thread drain = new Thread(() -> lifecycle.drain(DRAIN), "shop-leave");
      Runtime.getRuntime().addShutdownHook(drain);
      System.out.println(READY);
      if (!options.withInput()) {
        new CountDownLatch(1).await();
      }
      while (System.in.read() >= 0) {
        // The parent process ends this one by closing its input, also when it dies.
      }
      lifecycle.drain(DRAIN);
      return 0;
    }
  }
}
