package io.commslib.saga;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.LifecycleComponent;
import io.commslib.core.StoreException;
import io.commslib.core.codec.Codec;
import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageIds;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.spi.Checks;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.SqlErrors;
import io.commslib.outbox.Outbox;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs sagas: starts them, takes answers, and wakes those that are due. State, log and commands of
 * a step commit in one transaction; every write names the version it was decided on, so that of
 * several processes that act on one saga only one takes effect. Any process with the definition may
 * wake any due saga.
 *
 * <p>Thread-safe. Looks for due sagas on one thread named {@code commslib-saga}; answers run on the
 * threads of the subscription to which {@link #replies()} is given.
 *
 * @since 0.1
 */
public final class SagaEngine implements LifecycleComponent {

  private static final Logger log = LoggerFactory.getLogger(SagaEngine.class);
  private static final int RACES = 5;

  private final JdbcDatabase database;
  private final TypeRegistry types;
  private final Codec codec;
  private final Outbox outbox;
  private final SagaConfig config;
  private final CommsRuntime runtime;
  private final Map<String, SagaDefinition<?>> definitions;
  private final SagaStore store;
  private final JdbcTransactionRunner transactions;
  private final ReentrantLock looking = new ReentrantLock();
  private volatile boolean running;
  private volatile String lastError = "";
  private volatile List<String> unknown = List.of();

  private SagaEngine(Builder builder) {
    this.database = builder.database;
    this.types = builder.types;
    this.codec = builder.codec;
    this.outbox = Objects.requireNonNull(builder.outbox, "outbox");
    this.config = builder.config;
    this.runtime = Objects.requireNonNull(builder.runtime, "runtime");
    this.definitions = Map.copyOf(builder.definitions);
    this.store = new SagaStore(database, codec);
    this.transactions = JdbcTransactionRunner.create(database);
  }

  /**
   * Starts a configuration.
   *
   * @param database where the sagas' tables lie
   * @param types classes of commands and answers
   * @param codec how states are written
   * @return new builder
   */
  public static Builder builder(JdbcDatabase database, TypeRegistry types, Codec codec) {
    return new Builder(database, types, codec);
  }

  @Override
  public String name() {
    return "saga";
  }

  /**
   * Checks the tables and the definitions, and begins to wake due sagas.
   *
   * @throws StoreException if the schema is missing, older or newer, or the database can't be
   *     reached
   * @throws SagaException {@code COMMS-SAGA-003} if a definition's structure was changed without a
   *     new version
   */
  @Override
  public void start() {
    SagaSchema.scripts().check(database);
    for (SagaDefinition<?> definition : definitions.values()) {
      String onRecord =
          inTransaction((tx, connection) -> store.fingerprint(connection, definition));
      if (!onRecord.equals(definition.fingerprint())) {
        throw new SagaException(
            "COMMS-SAGA-003",
            FailureKind.PERMANENT,
            "saga "
                + definition.id()
                + ": structure differs from the one on record (expected: a new version)");
      }
    }
    running = true;
    scheduleLook();
  }

  @Override
  public boolean drain(Duration timeout) {
    running = false;
    boolean idle = false;
    try {
      idle = looking.tryLock(timeout.toNanos(), java.util.concurrent.TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (idle) {
      looking.unlock();
    }
    return idle;
  }

  @Override
  public void close() {
    running = false;
  }

  @Override
  public Health health() {
    List<String> missing = unknown;
    if (!running) {
      return Health.of(Health.Status.DOWN, "not running", Map.of());
    }
    if (!missing.isEmpty()) {
      return Health.of(
          Health.Status.DOWN, "live sagas of unknown definitions: " + missing, Map.of());
    }
    String error = lastError;
    return Health.of(error.isEmpty() ? Health.Status.UP : Health.Status.DEGRADED, error, Map.of());
  }

  /**
   * Starts a saga in the caller's transaction: it begins, and its first command leaves, when that
   * commits. Idempotent by the definition's name and {@code businessKey}: if such a saga exists
   * nothing is changed and its id is returned.
   *
   * @param <S> state of the saga
   * @param tx the running transaction, on this engine's database
   * @param definition one of this engine's
   * @param businessKey 1 to 200 characters, for example the order number
   * @param state first state
   * @return id of the saga, the correlation id of its messages
   * @throws IllegalArgumentException if the definition is not this engine's, the key breaks its
   *     rule, or {@code tx} belongs to another database
   * @throws StoreException if the database fails; the transaction must roll back
   */
  public <S> String start(
      TransactionContext tx, SagaDefinition<S> definition, String businessKey, S state) {
    Checks.check(
        definitions.get(definition.id()) == definition,
        "definition",
        definition.id(),
        "one of " + definitions.keySet());
    Checks.inRange("businessKey length", businessKey.length(), 1, 200);
    Checks.check(
        tx.database().equals(database.id()),
        "transaction",
        tx.database(),
        "one on " + database.id());
    Connection connection = tx.unwrap(Connection.class);
    SagaDecision<S> decision = SagaDecision.start(definition, state);
    String id = MessageIds.next(runtime.time(), runtime.random());
    try {
      if (!store.insert(connection, id, definition, businessKey, decision.instance())) {
        return store
            .findId(connection, definition.name(), businessKey)
            .orElseThrow(() -> contention(definition.name() + "/" + businessKey));
      }
      act(tx, connection, id, definition, decision, null, null);
      return id;
    } catch (SQLException e) {
      if (SqlErrors.isDuplicateKey(e)) {
        throw contention(definition.name() + "/" + businessKey);
      }
      throw SqlErrors.translate("saga start", e);
    }
  }

  /**
   * Returns the handler of the participants' answers. Give it to a transactional subscription with
   * an inbox, on this engine's database. Answers that nobody waits for (duplicates, answers after a
   * step was given up) change nothing; an answer to a saga that does not exist goes to the dead
   * letters as {@code NO_SAGA}.
   *
   * @return the handler
   */
  public MessageHandler replies() {
    return this::reply;
  }

  /**
   * Returns a saga.
   *
   * @param definition name of the definition
   * @param businessKey the key it was started with
   * @return its snapshot, or empty
   * @throws StoreException if the database fails
   */
  public Optional<SagaSnapshot> find(String definition, String businessKey) {
    return inTransaction(
        (tx, connection) ->
            store
                .snapshots(connection, "type = ? AND business_key = ?", 1, definition, businessKey)
                .stream()
                .findFirst());
  }

  /**
   * Returns sagas by status, least recently changed first.
   *
   * @param status which
   * @param limit how many at most, 1 to 10,000
   * @return up to {@code limit}
   * @throws StoreException if the database fails
   */
  public List<SagaSnapshot> list(SagaStatus status, int limit) {
    Checks.inRange("limit", limit, 1, 10_000);
    return inTransaction(
        (tx, connection) -> store.snapshots(connection, "status = ?", limit, status.name()));
  }

  /**
   * Returns what happened to a saga, one line each, oldest first.
   *
   * @param sagaId its id
   * @return lines such as {@code sent reserve 1}
   * @throws StoreException if the database fails
   */
  public List<String> timeline(String sagaId) {
    return inTransaction((tx, connection) -> store.logOf(connection, sagaId));
  }

  /**
   * Lets a parked saga try the step it parked at again, with all its attempts. Written to the
   * saga's log.
   *
   * @param sagaId its id
   * @param actor who asks, 1 to 100 characters
   * @param reason why, up to 1,000 characters
   * @return false if there is no such saga or it is not parked
   * @throws StoreException if the database fails; nothing was changed
   */
  public boolean retry(String sagaId, String actor, String reason) {
    Checks.inRange("actor length", actor.length(), 1, 100);
    Checks.inRange("reason length", reason.length(), 0, 1_000);
    return inTransaction(
        (tx, connection) -> {
          Optional<SagaStore.Stored> stored = store.load(connection, sagaId);
          if (stored.isEmpty() || stored.get().progress().status() != SagaStatus.PARKED) {
            return false;
          }
          return apply(
              tx,
              connection,
              stored.get(),
              definition(stored.get()),
              SagaDecision::resume,
              actor,
              reason);
        });
  }

  private Settlement reply(Delivery delivery) throws Exception {
    Message message = delivery.message();
    Object answer = types.decode(message);
    TransactionContext tx = delivery.transaction();
    Connection connection = tx.unwrap(Connection.class);
    String sagaId = message.correlationId().orElse("");
    String cause = message.causationId().orElse("");
    for (int race = 0; race < RACES; race++) {
      Optional<SagaStore.Stored> stored = store.load(connection, sagaId);
      if (stored.isEmpty()) {
        return Settlement.deadLetter("NO_SAGA");
      }
      SagaDefinition<?> definition =
          definitions.get(stored.get().type() + " v" + stored.get().defVersion());
      if (definition == null) {
        return Settlement.deadLetter("NO_SAGA_DEFINITION");
      }
      Optional<SagaDecision.Send> request = requestOf(sagaId, cause, definition);
      if (request.isEmpty()) {
        return Settlement.deadLetter("NO_SAGA_STEP");
      }
      if (answer(tx, connection, stored.get(), definition, request.get(), answer)) {
        return Settlement.done();
      }
    }
    throw contention(sagaId);
  }

  private <S> boolean answer(
      TransactionContext tx,
      Connection connection,
      SagaStore.Stored stored,
      SagaDefinition<S> definition,
      SagaDecision.Send request,
      Object answer)
      throws Exception {
    return apply(
        tx,
        connection,
        stored,
        definition,
        (known, instance) ->
            SagaDecision.reply(known, instance, request.step(), request.undo(), answer),
        null,
        null);
  }

  /** Finds the command an answer belongs to: command ids can be computed from saga and step. */
  private static Optional<SagaDecision.Send> requestOf(
      String sagaId, String cause, SagaDefinition<?> definition) {
    for (SagaStep<?> step : definition.steps()) {
      for (boolean undo : new boolean[] {false, true}) {
        if (commandId(sagaId, step.name(), undo).equals(cause)) {
          return Optional.of(new SagaDecision.Send(step.name(), undo));
        }
      }
    }
    return Optional.empty();
  }

  static String commandId(String sagaId, String step, boolean undo) {
    String name = sagaId + "/" + step + (undo ? "/undo" : "/do");
    return UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)).toString();
  }

  /** Decides and writes; false if the saga has changed since it was loaded. */
  private <S> boolean apply(
      TransactionContext tx,
      Connection connection,
      SagaStore.Stored stored,
      SagaDefinition<S> definition,
      BiFunction<SagaDefinition<S>, SagaInstance<S>, SagaDecision<S>> decide,
      @Nullable String actor,
      @Nullable String detail)
      throws SQLException {
    S state = codec.decode(stored.data(), definition.stateType());
    // Unchanged decisions keep the wake-up time they find; it is written only together with a
    // change.
    SagaInstance<S> before = new SagaInstance<>(stored.progress(), state, null);
    SagaDecision<S> decision = decide.apply(definition, before);
    if (decision.instance().progress().equals(stored.progress()) && decision.sends().isEmpty()) {
      store.append(connection, stored.id(), decision.log(), actor, detail);
      return true;
    }
    if (!store.update(connection, stored, decision.instance())) {
      return false;
    }
    act(tx, connection, stored.id(), definition, decision, actor, detail);
    return true;
  }

  private <S> void act(
      TransactionContext tx,
      Connection connection,
      String id,
      SagaDefinition<S> definition,
      SagaDecision<S> decision,
      @Nullable String actor,
      @Nullable String detail)
      throws SQLException {
    S state = decision.instance().state();
    store.append(connection, id, decision.log(), actor, detail);
    for (SagaDecision.Send send : decision.sends()) {
      SagaStep<S> step = definition.step(send.step());
      SagaStep.Action<S> action =
          send.undo() ? Objects.requireNonNull(step.undo()) : step.command();
      Message command =
          types
              .message(action.message().apply(state))
              .id(commandId(id, send.step(), send.undo()))
              .correlationId(id)
              .key(definition.key(state))
              .build();
      outbox.publish(tx, action.to(), command);
    }
    end(tx, definition, decision.instance().progress().status(), state);
  }

  private static <S> void end(
      TransactionContext tx, SagaDefinition<S> definition, SagaStatus status, S state) {
    if (!status.isTerminal()) {
      return;
    }
    try {
      (status == SagaStatus.COMPLETED ? definition.onCompleted() : definition.onCompensated())
          .ended(state, tx);
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException("end handler of saga " + definition.id() + " failed", e);
    }
  }

  private SagaDefinition<?> definition(SagaStore.Stored stored) {
    SagaDefinition<?> definition = definitions.get(stored.type() + " v" + stored.defVersion());
    if (definition == null) {
      throw new SagaException(
          "COMMS-SAGA-002",
          FailureKind.PERMANENT,
          "saga "
              + stored.id()
              + ": "
              + stored.type()
              + " v"
              + stored.defVersion()
              + " (expected: one of "
              + definitions.keySet()
              + ")");
    }
    return definition;
  }

  private void scheduleLook() {
    if (running) {
      runtime.newThread("saga", this::lookForever).start();
    }
  }

  private void lookForever() {
    java.util.concurrent.locks.Condition pause = looking.newCondition();
    while (running) {
      looking.lock();
      try {
        int woken = running ? look() : 0;
        if (woken < config.batchSize() && running) {
          pause.awaitNanos(config.pollInterval().toNanos());
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      } finally {
        looking.unlock();
      }
    }
  }

  /** Wakes due sagas; returns how many were due. Never throws: the next look tries again. */
  private int look() {
    try {
      List<String> due =
          new ArrayList<>(
              inTransaction((tx, connection) -> store.due(connection, config.batchSize())));
      for (String id : due) {
        wake(id);
      }
      List<String> live = inTransaction((tx, connection) -> store.liveDefinitions(connection));
      unknown = live.stream().filter(name -> !definitions.containsKey(name)).toList();
      lastError = "";
      return due.size();
    } catch (RuntimeException e) {
      log.warn("saga engine waits: {}", e.toString());
      lastError = e.toString();
      return 0;
    }
  }

  private void wake(String id) {
    inTransaction(
        (tx, connection) -> {
          Optional<SagaStore.Stored> stored = store.load(connection, id);
          if (stored.isEmpty()
              || !definitions.containsKey(stored.get().type() + " v" + stored.get().defVersion())
              || !store.isDue(connection, id)) {
            return false;
          }
          return apply(
              tx,
              connection,
              stored.get(),
              definition(stored.get()),
              SagaDecision::timeout,
              null,
              null);
        });
  }

  private static StoreException contention(String what) {
    return new StoreException(
        "COMMS-SAGA-001", FailureKind.CONTENTION, "saga " + what + " changes elsewhere", null);
  }

  private interface SqlWork<T> {
    T run(TransactionContext tx, Connection connection) throws SQLException;
  }

  private <T> T inTransaction(SqlWork<T> work) {
    try {
      return transactions.<T, SQLException>run(tx -> work.run(tx, tx.unwrap(Connection.class)));
    } catch (SQLException e) {
      throw SqlErrors.translate("saga", e);
    }
  }

  /**
   * Collects the parts. Not thread-safe.
   *
   * @since 0.1
   */
  public static final class Builder {
    private final JdbcDatabase database;
    private final TypeRegistry types;
    private final Codec codec;
    private final Map<String, SagaDefinition<?>> definitions = new LinkedHashMap<>();
    private @Nullable Outbox outbox;
    private @Nullable CommsRuntime runtime;
    private SagaConfig config = SagaConfig.defaults();

    private Builder(JdbcDatabase database, TypeRegistry types, Codec codec) {
      this.database = Objects.requireNonNull(database, "database");
      this.types = Objects.requireNonNull(types, "types");
      this.codec = Objects.requireNonNull(codec, "codec");
    }

    /**
     * Sets the outbox through which commands leave. Required, on the same database.
     *
     * @param outbox the service's outbox
     * @return this
     */
    public Builder outbox(Outbox outbox) {
      Checks.check(
          outbox.database().equals(database.id()),
          "outbox database",
          outbox.database(),
          "that of the sagas, " + database.id());
      this.outbox = outbox;
      return this;
    }

    /**
     * Adds a definition; versions of one name stand side by side.
     *
     * @param definition what to run
     * @return this
     * @throws IllegalArgumentException if its name and version are there already
     */
    public Builder define(SagaDefinition<?> definition) {
      Checks.check(
          definitions.putIfAbsent(definition.id(), definition) == null,
          "definition",
          definition.id(),
          "defined once");
      return this;
    }

    /**
     * Sets how the engine works.
     *
     * @param config settings
     * @return this
     */
    public Builder config(SagaConfig config) {
      this.config = Objects.requireNonNull(config, "config");
      return this;
    }

    /**
     * Sets time, randomness and threads. Required.
     *
     * @param runtime outlives the engine
     * @return this
     */
    public Builder runtime(CommsRuntime runtime) {
      this.runtime = Objects.requireNonNull(runtime, "runtime");
      return this;
    }

    /**
     * Builds the engine; it wakes sagas once started, and can start sagas and take answers at once.
     *
     * @return new engine
     * @throws IllegalArgumentException if nothing is defined
     */
    public SagaEngine build() {
      Checks.check(!definitions.isEmpty(), "definitions", 0, "1 or more");
      return new SagaEngine(this);
    }
  }
}
