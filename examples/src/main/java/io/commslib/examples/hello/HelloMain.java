package io.commslib.examples.hello;

import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import java.io.PrintStream;
import java.util.Set;
import java.util.concurrent.CountDownLatch;

/** Publishes one message and handles it, without a broker or a database. */
public final class HelloMain {

  private HelloMain() {}

  /**
   * Runs the README's snippet.
   *
   * @param args none, or {@code --help}
   * @throws InterruptedException if interrupted while waiting for the handler
   */
  public static void main(String[] args) throws InterruptedException {
    if (args.length > 0) {
      System.exit(explain(System.out, System.err, args));
    }
    // snippet: hello
    try (MessageTransport transport = InMemoryTransport.create()) {
      Destination orders = Destination.queue("orders");
      transport.declare(DestinationConfig.builder(orders).build());
      CountDownLatch handled = new CountDownLatch(1);
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(orders).build(),
              delivery -> {
                System.out.println(
                    "handled " + delivery.message() + ", attempt " + delivery.attempt());
                handled.countDown();
                return Settlement.done();
              });
      Message message = Message.builder("order.placed").key("customer-7").build();
      transport.publisher().publish(orders, message).toCompletableFuture().join();
      handled.await();
    }
    // end
  }

  /** Prints the usage and returns the exit code: 0 for help, 2 for an unknown argument. */
  static int explain(PrintStream out, PrintStream err, String... args) {
    boolean help = Set.of("--help", "-h").contains(args[0]);
    if (!help) {
      err.println("unknown argument: " + args[0] + " (expected: none, or --help)");
    }
    (help ? out : err)
        .println(
            "usage: examples/run hello\n"
                + "Publishes one message through the in-memory transport and handles it.");
    return help ? 0 : 2;
  }
}
