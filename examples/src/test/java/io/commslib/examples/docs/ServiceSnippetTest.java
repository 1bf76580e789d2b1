package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.Health;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.idempotency.InboxConfig;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SchemaScripts;
import io.commslib.service.Comms;
import io.commslib.service.CommsBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.h2.jdbcx.JdbcConnectionPool;
import org.junit.jupiter.api.Test;

/** The code of docs/tour.md about services, and the thread list of docs/operations.md. */
class ServiceSnippetTest {

  record OrderPlaced(String orderId, int pieces) {}

  private static final Destination ORDERS = Destination.topic("orders");
  private static final Destination PARCELS = Destination.queue("parcels");

  @Test
  void theServiceOfTheTourStarts() {
    JdbcConnectionPool pool =
        JdbcConnectionPool.create("jdbc:h2:mem:tour;DB_CLOSE_DELAY=-1", "sa", "");
    // snippet: service-parts
    CommsBuilder builder =
        Comms.service("orders")
            .database(JdbcDatabase.builder(pool).schema("PUBLIC").build())
            .transport(
                settings ->
                    InMemoryTransport.builder()
                        .source(settings.source())
                        .runtime(settings.runtime())
                        .observer(settings.observer())
                        .build())
            .observer(CommsObserver.logging())
            .type("order.placed", OrderPlaced.class)
            .outbox(settings -> settings.attempts(20).pollInterval(Duration.ofMillis(100)))
            .inbox(InboxConfig.builder().retention(Duration.ofDays(60)).build())
            .declare(DestinationConfig.builder(ORDERS).partitions(16).build())
            .publishes(PARCELS)
            .drainTimeout(Duration.ofSeconds(25))
            .applySchemas();
    Comms comms = builder.build();
    SubscriptionConfig parcels =
        comms
            .subscription("parcels", PARCELS)
            .workers(16)
            .blockKeyOnDeadLetter(comms.blockedKeys())
            .build();
    comms.subscribe(parcels, delivery -> Settlement.done());
    comms.subscribe(
        "stock",
        ORDERS,
        on ->
            on.on(
                OrderPlaced.class,
                (event, delivery) -> {
                  comms.publish(delivery.transaction(), PARCELS, event, event.orderId());
                  return Settlement.done();
                }));
    comms.start();
    // end
    try (comms) {
      comms.inTransaction(tx -> comms.publish(tx, ORDERS, new OrderPlaced("o-1", 1), null));
      assertThat(comms.health().status()).isEqualTo(Health.Status.UP);
      assertThat(settle(new OrderPlaced("o", 0)).kind()).isEqualTo(Settlement.Kind.DEAD_LETTER);
    }
    pool.dispose();
  }

  private static Settlement settle(OrderPlaced event) {
    // snippet: dead-letter
    if (event.pieces() <= 0) {
      return Settlement.deadLetter("NO_PIECES");
    }
    // end
    return Settlement.done();
  }

  @Test
  void everyClassThatStartsThreadsIsInTheListOfThreads() throws IOException {
    Pattern makes = Pattern.compile("\\.\\s*new(Thread|Workers|PlatformWorkers)\\(");
    Set<String> makers = new TreeSet<>(Set.of("SystemRuntime"));
    for (Path sources : LibrarySchemas.folders("src/main/java")) {
      for (Path source : LibrarySchemas.files(sources, ".java")) {
        // The library's threads, not those of tools for tests.
        if (!source.toString().contains("/testkit/")
            && !source.toString().contains("/core/time/")
            && makes.matcher(Files.readString(source)).find()) {
          makers.add(source.getFileName().toString().replace(".java", ""));
        }
      }
    }
    Set<String> listed = new TreeSet<>();
    Pattern.compile("(?m)^\\| `commslib-[^|]*\\| `(\\w+)` \\|")
        .matcher(Files.readString(LibrarySchemas.ROOT.resolve("docs/operations.md")))
        .results()
        .forEach(row -> listed.add(row.group(1)));
    assertThat(listed).isEqualTo(makers);
  }

  @Test
  void oneCallAppliesTheSchemasOfAllModulesBelowTheService() throws IOException {
    List<String> below =
        LibrarySchemas.all().stream()
            .map(LibrarySchemas.Schema::scripts)
            .map(SchemaScripts::module)
            .filter(module -> !module.equals("saga"))
            .toList();
    assertThat(Comms.schemas())
        .extracting(SchemaScripts::module)
        .containsExactlyInAnyOrderElementsOf(below);
  }
}
