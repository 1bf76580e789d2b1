package io.commslib.service;

import io.commslib.core.codec.Codec;
import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.lifecycle.LifecycleComponent;
import io.commslib.core.messaging.BlockedKeyStore;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.idempotency.JdbcBlockedKeyStore;
import io.commslib.idempotency.JdbcInbox;
import io.commslib.jackson.JacksonCodec;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.Outbox;
import io.commslib.outbox.OutboxConfig;
import io.commslib.outbox.OutboxRelay;
import java.util.Objects;
import java.util.Optional;

/** The components of one service: those of the builder, and defaults for the rest. */
final class ServiceComponents {

  private final CommsBuilder builder;
  private final ServiceSettings settings;
  private final MessageTransport transport;
  private final JdbcDatabase database;
  private final TypeRegistry types;
  private final TransactionRunner transactions;
  private final Outbox outbox;
  private final Optional<LifecycleComponent> relay;
  private final Inbox inbox;
  private final BlockedKeyStore blockedKeys;

  /** Connects to the database. */
  ServiceComponents(CommsBuilder builder, ServiceSettings settings, MessageTransport transport) {
    this.builder = builder;
    this.settings = settings;
    this.transport = transport;
    this.database = database(builder);
    if (builder.appliesSchemas) {
      // The stores check their tables when they are created.
      Comms.applySchemas(database);
    }
    this.types = builder.registry == null ? registry(builder) : builder.registry;
    this.transactions =
        builder.transactions == null
            ? JdbcTransactionRunner.create(database)
            : builder.transactions;
    this.outbox = outbox(builder, database, settings);
    this.relay = relay(builder, outbox, transport, settings.runtime());
    this.inbox =
        builder.inbox == null ? JdbcInbox.create(database, builder.inboxConfig) : builder.inbox;
    this.blockedKeys =
        builder.blockedKeys == null ? JdbcBlockedKeyStore.create(database) : builder.blockedKeys;
  }

  private static JdbcDatabase database(CommsBuilder builder) {
    return builder.database == null
        ? JdbcDatabase.builder(Objects.requireNonNull(builder.dataSource)).build()
        : builder.database;
  }

  private static TypeRegistry registry(CommsBuilder builder) {
    Codec codec = builder.codec == null ? JacksonCodec.create() : builder.codec;
    TypeRegistry.Builder registry = TypeRegistry.builder(codec);
    builder.types.forEach(
        type -> registry.register(type.name(), type.version(), type.javaType(), codec));
    return registry.build();
  }

  private static Outbox outbox(
      CommsBuilder builder, JdbcDatabase database, ServiceSettings settings) {
    if (builder.outbox != null) {
      return builder.outbox;
    }
    OutboxConfig.Builder config = OutboxConfig.builder().source(settings.source());
    builder.outboxSettings.forEach(change -> change.accept(config));
    return JdbcOutbox.create(database, config.build());
  }

  private static Optional<LifecycleComponent> relay(
      CommsBuilder builder, Outbox outbox, MessageTransport transport, CommsRuntime runtime) {
    if (builder.relay != null) {
      return Optional.of(builder.relay);
    }
    return builder.relays
        ? Optional.of(OutboxRelay.create((JdbcOutbox) outbox, transport, runtime))
        : Optional.empty();
  }

  CommsBuilder settings() {
    return builder;
  }

  String name() {
    return settings.source();
  }

  CommsRuntime runtime() {
    return settings.runtime();
  }

  CommsObserver observer() {
    return settings.observer();
  }

  MessageTransport transport() {
    return transport;
  }

  JdbcDatabase database() {
    return database;
  }

  TypeRegistry types() {
    return types;
  }

  TransactionRunner transactions() {
    return transactions;
  }

  Outbox outbox() {
    return outbox;
  }

  Optional<LifecycleComponent> relay() {
    return relay;
  }

  Inbox inbox() {
    return inbox;
  }

  /** Returns whether the inbox is the default one, whose tables can be checked. */
  boolean ownsInbox() {
    return builder.inbox == null;
  }

  BlockedKeyStore blockedKeys() {
    return blockedKeys;
  }

  void closeRuntime() {
    if (builder.runtime == null) {
      settings.runtime().close();
    }
  }
}
