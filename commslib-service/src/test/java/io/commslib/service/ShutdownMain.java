package io.commslib.service;

import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Settlement;
import java.util.concurrent.CountDownLatch;
import org.h2.jdbcx.JdbcConnectionPool;

/** A service in a JVM of its own, whose handler runs when the JVM shuts down. */
final class ShutdownMain {

  record Ping(String text) {}

  private ShutdownMain() {}

  public static void main(String[] args) throws Exception {
    Destination pings = Destination.queue("pings");
    CountDownLatch ending = new CountDownLatch(1);
    boolean withoutHook = args.length > 0;
    if (!withoutHook) {
      Runtime.getRuntime().addShutdownHook(new Thread(ending::countDown));
    }
    CommsBuilder builder =
        Comms.service("ping")
            .database(
                JdbcConnectionPool.create(
                    "jdbc:h2:mem:ping;DB_CLOSE_DELAY=-1;DB_CLOSE_ON_EXIT=FALSE", "sa", ""))
            .transport(InMemoryTransport.create())
            .type("ping", Ping.class)
            .applySchemas()
            .subscribe(
                "pings",
                pings,
                on ->
                    on.on(
                        Ping.class,
                        (ping, delivery) -> {
                          System.out.println("begun");
                          ending.await();
                          delivery.transaction().afterCommit(() -> System.out.println("committed"));
                          return Settlement.done();
                        }));
    if (withoutHook) {
      builder.withoutShutdownHook();
    }
    Comms comms = builder.start();
    comms.inTransaction(tx -> comms.publish(tx, pings, new Ping("hello"), null));
    comms.awaitClosed();
  }
}
