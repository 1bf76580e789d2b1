package io.commslib.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.StoreException;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.TransportClosedException;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcTransactions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.h2.jdbcx.JdbcConnectionPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CommsTest {

  record OrderPlaced(String orderId, int pieces) {}

  private static final Destination ORDERS = Destination.topic("orders");

  private final JdbcConnectionPool pool =
      JdbcConnectionPool.create("jdbc:h2:mem:comms;DB_CLOSE_DELAY=-1", "sa", "");
  private final InMemoryTransport transport = InMemoryTransport.create();
  private final BlockingQueue<Delivery> handled = new LinkedBlockingQueue<>();

  @AfterEach
  void dropDatabase() throws SQLException {
    transport.close();
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("SHUTDOWN");
    }
    pool.dispose();
  }

  private CommsBuilder service() {
    return Comms.service("orders")
        .database(pool)
        .transport(transport)
        .type("order.placed", OrderPlaced.class)
        .applySchemas()
        .outbox(settings -> settings.pollInterval(Duration.ofMillis(20)));
  }

  private Settlement note(OrderPlaced event, Delivery delivery) {
    handled.add(delivery);
    return Settlement.done();
  }

  private Delivery nextHandled() throws InterruptedException {
    Delivery delivery = handled.poll(20, TimeUnit.SECONDS);
    assertThat(delivery).as("handled within 20 s").isNotNull();
    return delivery;
  }

  @Test
  void publishesWithTheTransactionAndHandlesWithTheInbox() throws Exception {
    try (Comms comms =
        service().subscribe("stock", ORDERS, on -> on.on(OrderPlaced.class, this::note)).start()) {
      assertThatThrownBy(
              () ->
                  comms.inTransaction(
                      tx -> {
                        comms.publish(tx, ORDERS, new OrderPlaced("o-0", 1), "o-0");
                        throw new IllegalArgumentException("rolled back");
                      }))
          .hasMessage("rolled back");
      comms.inTransaction(tx -> comms.publish(tx, ORDERS, new OrderPlaced("o-1", 3), "o-1"));

      Message first = nextHandled().message();
      assertThat(first.key()).contains("o-1");
      assertThat(first.source()).isEqualTo("orders");
      assertThat(comms.types().decode(first)).isEqualTo(new OrderPlaced("o-1", 3));
      // The same message again: the inbox refuses it, so the next handled message is another one.
      transport.publisher().publish(ORDERS, first).toCompletableFuture().join();
      comms.inTransaction(tx -> comms.publish(tx, ORDERS, new OrderPlaced("o-2", 1), null));
      assertThat(nextHandled().message().key()).isEmpty();
      assertThat(comms.drain(Duration.ofSeconds(10))).isTrue();
      assertThat(handled).isEmpty();
      assertThat(rows("inbox")).isEqualTo(2);
    }
    assertThatThrownBy(() -> transport.publisher().publish(ORDERS, Message.builder("x").build()))
        .isInstanceOf(TransportClosedException.class);
  }

  private long rows(String table) throws SQLException {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT count(*) FROM \"" + table + "\"")) {
      row.next();
      return row.getLong(1);
    }
  }

  @Test
  void handlersUseTheConnectionOfTheirTransactionAndPublishInIt() throws Exception {
    try (Comms comms = service().publishes(Destination.queue("parcels")).build()) {
      comms
          .subscribe(
              "stock",
              ORDERS,
              on -> on.on(OrderPlaced.class, (event, delivery) -> ship(comms, event, delivery)))
          .subscribe(
              "parcels", Destination.queue("parcels"), on -> on.on(OrderPlaced.class, this::note))
          .start();
      comms.inTransaction(tx -> comms.publish(tx, ORDERS, new OrderPlaced("o-1", 3), "o-1"));
      assertThat(comms.types().decode(nextHandled().message()))
          .isEqualTo(new OrderPlaced("o-1", 0));
    }
  }

  private static Settlement ship(Comms comms, OrderPlaced event, Delivery delivery)
      throws SQLException {
    TransactionContext tx = delivery.transaction();
    try (Statement statement = JdbcTransactions.connection(tx).createStatement()) {
      statement.execute("SELECT 1");
    }
    comms.publish(
        tx, Destination.queue("parcels"), new OrderPlaced(event.orderId(), 0), event.orderId());
    return Settlement.done();
  }

  @Test
  void closeWaitsForTheHandlerThatRuns() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch proceed = new CountDownLatch(1);
    Comms comms =
        service()
            .subscribe(
                "stock",
                ORDERS,
                on ->
                    on.on(
                        OrderPlaced.class,
                        (event, delivery) -> {
                          entered.countDown();
                          proceed.await();
                          return note(event, delivery);
                        }))
            .start();
    comms.inTransaction(tx -> comms.publish(tx, ORDERS, new OrderPlaced("o-1", 3), "o-1"));
    assertThat(entered.await(20, TimeUnit.SECONDS)).isTrue();
    Thread closing = new Thread(comms::close, "closes");
    closing.start();
    while (comms.state() != LifecycleState.DRAINING && closing.isAlive()) {
      Thread.onSpinWait();
    }
    BlockingQueue<LifecycleState> afterSecondClose = new LinkedBlockingQueue<>();
    Thread closingToo =
        new Thread(
            () -> {
              comms.close();
              afterSecondClose.add(comms.state());
            },
            "closes-too");
    closingToo.start();
    while (closingToo.getState() != Thread.State.WAITING && closingToo.isAlive()) {
      Thread.onSpinWait();
    }
    proceed.countDown();
    closing.join();
    closingToo.join();
    comms.awaitClosed();
    assertThat(afterSecondClose).containsExactly(LifecycleState.CLOSED);
    assertThat(handled).hasSize(1);
    assertThat(rows("inbox")).isEqualTo(1);
    assertThat(comms.state()).isEqualTo(LifecycleState.CLOSED);
  }

  @Test
  void closeIsBoundedAlthoughAHandlerHangs() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    Comms comms =
        service()
            .drainTimeout(Duration.ofMillis(200))
            .subscribe(
                "stock",
                ORDERS,
                on ->
                    on.on(
                        OrderPlaced.class,
                        (event, delivery) -> {
                          entered.countDown();
                          never.await();
                          return Settlement.done();
                        }))
            .start();
    comms.inTransaction(tx -> comms.publish(tx, ORDERS, new OrderPlaced("o-1", 3), "o-1"));
    assertThat(entered.await(20, TimeUnit.SECONDS)).isTrue();
    comms.close();
    assertThat(comms.state()).isEqualTo(LifecycleState.CLOSED);
    assertThat(transport.health().status()).isEqualTo(Health.Status.DOWN);
    never.countDown();
  }

  @Test
  void aStartThatFailsAtADestinationClosesTheService() {
    Comms comms = service().publishes(ORDERS).build();
    transport.close();
    assertThatThrownBy(comms::start).isInstanceOf(TransportClosedException.class);
    assertThat(comms.state()).isEqualTo(LifecycleState.CLOSED);
  }

  @Test
  void aNameIsInHealthAndInDeadLetters() throws Exception {
    try (Comms comms =
        service()
            .subscribe(
                "stock",
                ORDERS,
                on -> on.on(OrderPlaced.class, (event, at) -> Settlement.deadLetter("NO_STOCK")))
            .build()) {
      assertThat(comms.health().reason()).isEqualTo("not started");
      comms.start();
      assertThat(comms.health().status()).isEqualTo(Health.Status.UP);
      assertThat(comms.health().components()).containsKeys("memory", "outbox-relay", "stock");
      comms.inTransaction(tx -> comms.publish(tx, ORDERS, new OrderPlaced("o-1", 3), "o-1"));
      List<DeadLetter> letters = List.of();
      while (letters.isEmpty()) {
        letters = transport.deadLetters().list(ORDERS, "stock", 10);
      }
      assertThat(letters.get(0).cause()).containsEntry("handler", "stock");
    }
  }

  @Test
  void buildingNamesTheMissingTablesAndClosesTheTransport() {
    assertThatThrownBy(
            () ->
                Comms.service("orders")
                    .database(pool)
                    .transport(transport)
                    .type("order.placed", OrderPlaced.class)
                    .subscribe("stock", ORDERS, on -> on.on(OrderPlaced.class, this::note))
                    .build())
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.code()).isEqualTo("COMMS-JDBC-010"));
    assertThat(transport.health().status()).isEqualTo(Health.Status.DOWN);
  }

  @Test
  void everyTableIsCreatedByOneCallThatMayBeRepeated() throws Exception {
    try (Comms comms = service().withoutShutdownHook().build()) {
      Comms.applySchemas(comms.database());
      Comms.schemas().forEach(scripts -> scripts.check(comms.database()));
      assertThat(rows("outbox_message") + rows("inbox") + rows("held_keys")).isZero();
    }
  }

  @Test
  void refusesToPublishWhereNothingWasDeclared() throws Exception {
    try (Comms comms = service().publishes(ORDERS).start()) {
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  comms.inTransaction(
                      tx ->
                          comms.publish(
                              tx, Destination.topic("oders"), new OrderPlaced("o", 1), null)))
          .withMessage(
              "destination: topic:oders (expected: one of [topic:orders], or named by"
                  + " publishes(...) before the start)");
      assertThat(rows("outbox_message")).isZero();
    }
  }

  @Test
  void aDeclarationByTheUserKeepsTheGroupsOfSubscriptions() {
    DestinationConfig wide = DestinationConfig.builder(ORDERS).partitions(3).optional().build();
    try (Comms comms =
        service()
            .declare(wide)
            .subscribe("stock", ORDERS, on -> on.on(OrderPlaced.class, this::note))
            .build()) {
      comms.declareDestinations();
      // The group is declared before its first subscriber: the in-memory transport refuses unknown
      // groups.
      assertThat(transport.deadLetters().list(ORDERS, "stock", 1)).isEmpty();
    }
  }

  @Test
  void nothingIsAddedToAServiceThatHasStarted() {
    try (Comms comms = service().publishes(ORDERS).start()) {
      assertThatIllegalStateException()
          .isThrownBy(
              () -> comms.subscribe("late", ORDERS, on -> on.on(OrderPlaced.class, this::note)))
          .withMessageContaining("service: RUNNING (expected: NEW");
    }
  }

  @Test
  void anotherLifecycleMayRunTheComponents() throws Exception {
    Comms comms = service().build();
    comms.subscribe("stock", ORDERS, on -> on.on(OrderPlaced.class, this::note));
    Lifecycle.Builder builder = Lifecycle.builder();
    comms.addTo(builder);
    comms.declareDestinations();
    try (Lifecycle lifecycle = builder.build()) {
      lifecycle.start();
      comms.inTransaction(tx -> comms.publish(tx, ORDERS, new OrderPlaced("o-1", 3), "o-1"));
      nextHandled();
      lifecycle.drain(Duration.ofSeconds(10));
    }
    assertThatIllegalStateException().isThrownBy(comms::start);
    comms.close();
  }

  @Test
  void oneObserverObservesAllComponents() throws Exception {
    BlockingQueue<Trouble> troubles = new LinkedBlockingQueue<>();
    CommsObserver observer =
        new CommsObserver() {
          @Override
          public void onTrouble(Trouble trouble) {
            troubles.add(trouble);
          }
        };
    try (Comms comms =
        service()
            .observer(observer)
            .transport(
                settings ->
                    InMemoryTransport.builder()
                        .source(settings.source())
                        .runtime(settings.runtime())
                        .observer(settings.observer())
                        .build())
            .subscribe(
                "stock",
                ORDERS,
                on -> on.on(OrderPlaced.class, (event, at) -> Settlement.deadLetter("NO_STOCK")))
            .start()) {
      assertThat(comms.observer()).isSameAs(observer);
      comms.inTransaction(tx -> comms.publish(tx, ORDERS, new OrderPlaced("o-1", 3), "o-1"));
      Trouble trouble = troubles.poll(20, TimeUnit.SECONDS);
      assertThat(trouble).isNotNull();
    }
  }

  @Test
  void refusesTwoSubscriptionsOfOneDestinationAndGroup() {
    Destination queue = Destination.queue("jobs");
    CommsBuilder builder =
        service()
            .subscribe("placed", queue, on -> on.on(OrderPlaced.class, this::note))
            .subscribe("cancelled", queue, on -> on.on(OrderPlaced.class, this::note));
    assertThatThrownBy(builder::build)
        .hasMessageContaining("COMMS-CORE-003")
        .hasMessageContaining("placed and cancelled");
  }

  @Test
  void aBuilderBuildsOneServiceOnly() {
    CommsBuilder builder = service();
    try (Comms first = builder.build()) {
      assertThatIllegalStateException().isThrownBy(builder::build).withMessageContaining("used");
      first.start();
      assertThat(first.health().status()).isEqualTo(Health.Status.UP);
    }
  }

  @Test
  void aClosedServicePublishesNothing() throws Exception {
    Comms comms = service().publishes(ORDERS).start();
    comms.close();
    assertThatThrownBy(
            () ->
                comms.inTransaction(
                    tx -> comms.publish(tx, ORDERS, new OrderPlaced("o1", 1), "o1")))
        .isInstanceOf(TransportClosedException.class);
    assertThat(rows("outbox_message")).isZero();
  }
}
