package io.commslib.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.Health;
import io.commslib.core.codec.Codec;
import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.inmemory.InMemoryBlockedKeyStore;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.lifecycle.LifecycleComponent;
import io.commslib.core.messaging.BlockedKeyStore;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.idempotency.InboxConfig;
import io.commslib.idempotency.JdbcInbox;
import io.commslib.jackson.JacksonCodec;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.outbox.InMemoryOutbox;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.Outbox;
import io.commslib.outbox.OutboxConfig;
import io.commslib.outbox.OutboxRelay;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.h2.jdbcx.JdbcConnectionPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CommsBuilderTest {

  record OrderPlaced(String orderId) {}

  /** Methods of {@link Comms} that return no component. */
  private static final Set<String> NO_PARTS =
      Set.of("name", "health", "state", "toString", "start", "close", "awaitClosed");

  private final JdbcConnectionPool pool =
      JdbcConnectionPool.create(
          "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1", "sa", "");
  private final JdbcDatabase database = JdbcDatabase.builder(pool).build();
  private final InMemoryTransport transport = InMemoryTransport.create();

  @BeforeEach
  void createTables() {
    Comms.schemas().forEach(schema -> schema.apply(database));
  }

  @AfterEach
  void close() {
    transport.close();
    pool.dispose();
  }

  private CommsBuilder service() {
    return Comms.service("orders")
        .database(pool)
        .transport(transport)
        .type("order.placed", OrderPlaced.class);
  }

  @Test
  void everyComponentIsReachableAndCanBeReplaced() {
    CommsRuntime runtime = SystemRuntime.platformThreads();
    JdbcOutbox outbox = JdbcOutbox.create(database, OutboxConfig.defaults());
    Inbox inbox = JdbcInbox.create(database, InboxConfig.defaults());
    BlockedKeyStore blockedKeys = new InMemoryBlockedKeyStore();
    TransactionRunner transactions = JdbcTransactionRunner.create(database);
    CommsObserver observer = new CommsObserver() {};
    LifecycleComponent relay = OutboxRelay.create(outbox, transport, runtime);
    TypeRegistry types =
        TypeRegistry.builder(JacksonCodec.create()).register("order", OrderPlaced.class).build();
    Comms comms =
        Comms.service("orders")
            .database(database)
            .transport(settings -> transport)
            .types(types)
            .runtime(runtime)
            .observer(observer)
            .transactions(transactions)
            .outbox(outbox)
            .relay(relay)
            .inbox(inbox)
            .blockedKeys(blockedKeys)
            .build();
    Map<String, Object> given = new LinkedHashMap<>();
    given.put("transport", transport);
    given.put("database", database);
    given.put("types", types);
    given.put("runtime", runtime);
    given.put("observer", observer);
    given.put("transactions", transactions);
    given.put("outbox", outbox);
    given.put("relay", Optional.of(relay));
    given.put("inbox", inbox);
    given.put("blockedKeys", blockedKeys);
    // Replaced by addTo(builder) instead of by the builder.
    given.put("lifecycle", Optional.empty());

    Map<String, Object> parts =
        Arrays.stream(Comms.class.getDeclaredMethods())
            .filter(method -> java.lang.reflect.Modifier.isPublic(method.getModifiers()))
            .filter(method -> !java.lang.reflect.Modifier.isStatic(method.getModifiers()))
            .filter(method -> method.getParameterCount() == 0)
            .filter(method -> method.getReturnType() != void.class)
            .filter(method -> !NO_PARTS.contains(method.getName()))
            .collect(Collectors.toMap(Method::getName, method -> call(method, comms)));
    assertThat(parts).containsExactlyInAnyOrderEntriesOf(given);
    Set<String> setters = new TreeSet<>(given.keySet());
    setters.remove("lifecycle");
    assertThat(CommsBuilder.class.getDeclaredMethods())
        .extracting(Method::getName)
        .containsAll(setters);
    comms.close();
    runtime.close();
  }

  private static Object call(Method method, Object target) {
    try {
      return method.invoke(target);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(method.toString(), e);
    }
  }

  @Test
  void theCodecCanBeReplaced() {
    Codec upperCase =
        new Codec() {
          @Override
          public String contentType() {
            return "text/plain";
          }

          @Override
          public byte[] encode(Object value) {
            return new byte[] {1};
          }

          @Override
          public <T> T decode(byte[] bytes, Class<T> type) {
            return type.cast(new OrderPlaced("decoded"));
          }
        };
    try (Comms comms = service().codec(upperCase).build()) {
      assertThat(comms.message(new OrderPlaced("o"), null).build().contentType())
          .isEqualTo("text/plain");
    }
  }

  @Test
  void missingAndContradictorySettingsAreNamed() {
    Outbox other = InMemoryOutbox.create(InMemoryTransactionRunner.create());
    Map<String, Function<CommsBuilder, CommsBuilder>> wrong = new LinkedHashMap<>();
    wrong.put("database: none", builder -> builder.transport(transport).type("o", Object.class));
    wrong.put("transport: none", builder -> builder.database(pool).type("o", Object.class));
    wrong.put("types: none", builder -> builder.database(pool).transport(transport));
    wrong.put(
        "types: set twice",
        builder -> complete(builder).types(TypeRegistry.builder(JacksonCodec.create()).build()));
    wrong.put(
        "outbox: set twice",
        builder -> complete(builder).outbox(other).outbox(settings -> settings.shards(4)));
    wrong.put("relay: none", builder -> complete(builder).outbox(other));
    wrong.put(
        "relay: set, and withoutRelay()",
        builder ->
            complete(builder)
                .relay(
                    OutboxRelay.create(
                        JdbcOutbox.create(database, OutboxConfig.defaults()),
                        transport,
                        SystemRuntime.platformThreads()))
                .withoutRelay());
    wrong.put(
        "observer: set, and a live transport",
        builder -> complete(builder).observer(CommsObserver.none()));
    wrong.forEach(
        (message, settings) ->
            assertThatThrownBy(() -> settings.apply(Comms.service("orders")).build())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith(message)
                .hasMessageContaining("(expected: "));
  }

  private CommsBuilder complete(CommsBuilder builder) {
    return builder.database(pool).transport(transport).type("order", OrderPlaced.class);
  }

  @Test
  void theNameOfAServiceIsASource() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Comms.service("/"))
        .withMessage("service: / (expected: the service's own name)");
    assertThatIllegalArgumentException().isThrownBy(() -> Comms.service(""));
  }

  @Test
  void aTransportIsClosedWhenTheServiceCantBeBuilt() {
    assertThatThrownBy(() -> service().outbox(settings -> settings.shards(0)).build())
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(transport.health().status()).isEqualTo(Health.Status.DOWN);
  }

  @Test
  void runsWithoutARelayWhenAnotherProcessRelays() {
    List<String> parts = new CopyOnWriteArrayList<>();
    try (Comms comms =
        service()
            .applySchemas()
            .withoutRelay()
            .publishes(Destination.topic("orders"))
            .drainTimeout(Duration.ofSeconds(1))
            .start()) {
      parts.addAll(comms.health().components().keySet());
      assertThat(comms.relay()).isEmpty();
    }
    assertThat(parts).containsExactly("memory");
  }

  @Test
  void aTransportFactoryReceivesTheSharedSettings() {
    MessageTransport[] made = new MessageTransport[1];
    try (Comms comms =
        service()
            .transport(
                settings -> {
                  assertThat(settings.source()).isEqualTo("orders");
                  made[0] = InMemoryTransport.builder().runtime(settings.runtime()).build();
                  return made[0];
                })
            .build()) {
      assertThat(comms.transport()).isSameAs(made[0]);
    }
    assertThat(made[0].health().status()).isEqualTo(Health.Status.DOWN);
  }
}
