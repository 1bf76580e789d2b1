package io.commslib.saga;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.StoreException;
import io.commslib.core.checks.Checks;
import io.commslib.core.codec.Codec;
import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.lifecycle.LifecycleComponent;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageIds;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.JdbcTransactions;
import io.commslib.jdbc.SqlErrors;
import io.commslib.outbox.Outbox;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Runs sagas: starts them, handles replies, and wakes sagas whose reply is overdue. Row, history
 * and commands of a transition commit in one transaction, and every write names the version on
 * which it was decided. If several processes act on one saga at the same time, one takes effect and
 * the others decide again. Any process that has the definition may wake any overdue saga.
 *
 * <p>Thread-safe. Overdue sagas are woken by four threads named {@code commslib-saga-timer-1} to
 * {@code -4}. One of them at a time polls the database, so a function or hook that hangs occupies
 * one thread and its saga only. Replies run on the threads of the subscription that uses {@link
 * #replies()}.
 *
 * <p>An error thrown by a function or hook is a failure of its saga only. A saga whose function
 * fails when the saga is woken is parked. A saga that can't be woken for another reason (a hook,
 * the outbox, a statement) is woken again after a growing backoff and parked after 10 failures in a
 * row, which its history counts; an operator can then {@link #retry} it.
 *
 * <p>The objects from which an engine is built must outlive it.
 *
 * <pre>{@code
 * SagaEngine sagas =
 *     SagaEngine.builder(database, types, JacksonCodec.create())
 *         .outbox(outbox)
 *         .define(definition)
 *         .runtime(runtime)
 *         .build();
 * sagas.start();
 * transactions.run(tx -> sagas.start(tx, definition, "o-1", new OrderState("o-1")));
 * }</pre>
 */
public final class SagaEngine implements LifecycleComponent {

  private static final int PURGE_BATCH = 500;
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);

  private final JdbcDatabase database;
  private final CommsRuntime runtime;
  private final SagaConfig config;
  private final Map<String, SagaDefinition<?>> definitions;
  private final SagaStore store;
  private final JdbcTransactionRunner transactions;
  private final SagaEvents events;
  private final SagaTransitions transitions;
  private final ReplyHandler replies;
  private final OperatorActions operatorActions;
  private final SagaTimeouts timeouts;
  private final TimerThreads timer;

  private SagaEngine(Builder builder) {
    this.database = builder.database;
    this.runtime = Checks.given("runtime", builder.runtime);
    this.config = builder.config;
    this.definitions = Map.copyOf(builder.definitions);
    this.store = new SagaStore(database);
    this.transactions = JdbcTransactionRunner.create(database);
    Outbox outbox = Checks.given("outbox", builder.outbox);
    this.events = new SagaEvents(runtime, builder.observer);
    this.transitions =
        new SagaTransitions(store, builder.types, builder.codec, outbox, runtime.time(), events);
    this.replies = new ReplyHandler(store, transitions, builder.types, definitions);
    this.operatorActions = new OperatorActions(transactions, store, transitions, definitions);
    this.timeouts =
        new SagaTimeouts(
            transactions,
            store,
            transitions,
            definitions,
            config,
            MessageIds.next(runtime.time(), runtime.random()),
            runtime.time(),
            events);
    this.timer = new TimerThreads(runtime, config.pollInterval(), timeouts);
  }

  /**
   * Starts a configuration.
   *
   * @param database the database with the tables of the sagas
   * @param types classes of commands and replies
   * @param codec encodes and decodes the states
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
   * Checks tables and definitions and starts to wake overdue sagas. Blocks for a few statements.
   *
   * @throws StoreException if the schema is missing, older or newer, or the database is unavailable
   * @throws SagaException {@code COMMS-SAGA-003}, {@code PERMANENT}, if the structure of a
   *     definition differs from the structure stored for its name and version
   */
  @Override
  public void start() {
    SagaSchema.scripts().check(database);
    for (SagaDefinition<?> definition : definitions.values()) {
      String stored = inTransaction(connection -> store.recordedStructure(connection, definition));
      if (!stored.equals(definition.structure())) {
        throw new SagaException(
            "COMMS-SAGA-003",
            FailureKind.PERMANENT,
            "saga "
                + definition.id()
                + ": structure ["
                + definition.structure().replace("\n", "; ")
                + "] (expected: ["
                + stored.replace("\n", "; ")
                + "] as stored, or a new version)",
            null);
      }
    }
    timer.start();
  }

  /** Stops waking overdue sagas; sagas can still be started and replies handled. */
  @Override
  public boolean drain(Duration timeout) {
    return timer.stop(timeout);
  }

  @Override
  public void close() {
    timer.stop(CLOSE_TIMEOUT);
    events.close();
  }

  /**
   * Returns the health as of the last poll.
   *
   * <p>Degraded if sagas are parked, if an overdue saga has a definition that this process does not
   * have, if the database failed, while sagas wait after a failure to be woken again, while a
   * function or hook of a saga has been running for longer than the lease, while the observer or
   * the log does not return, and while the timer pauses after an error of the JVM. Down if the
   * timer does not run, or if no pass of it has ended for a poll interval, two leases and 10 s.
   * Details {@code oldestOverdueSeconds}, {@code overdue}, {@code failing}, {@code parked}, {@code
   * lastPassSeconds}.
   */
  @Override
  public Health health() {
    if (!timer.isRunning()) {
      return Health.of(Health.Status.DOWN, "not running", Map.of());
    }
    Duration age = timer.timeSinceLastPass();
    Health seen = timeouts.health();
    Map<String, String> details = new TreeMap<>(seen.details());
    details.put("lastPassSeconds", Long.toString(age.toSeconds()));
    Duration longest = config.pollInterval().plus(config.lease().multipliedBy(2)).plusSeconds(10);
    List<String> stuck = timeouts.stuck();
    Duration jvmPause = timer.jvmPause();
    if (!jvmPause.isZero()) {
      String reason = "paused for " + jvmPause.toSeconds() + " s: the JVM failed";
      return Health.of(Health.Status.DEGRADED, reason, details);
    }
    if (age.compareTo(longest) > 0) {
      String reason = "no pass of the timer has ended for " + age.toSeconds() + " s";
      return Health.of(
          Health.Status.DOWN, stuck.isEmpty() ? reason : reason + ", stuck: " + stuck, details);
    }
    if (!stuck.isEmpty()) {
      return Health.of(Health.Status.DEGRADED, "stuck sagas: " + stuck, details);
    }
    String trouble = events.trouble();
    if (!trouble.isEmpty()) {
      String reason = seen.reason().isEmpty() ? trouble : trouble + "; " + seen.reason();
      return Health.of(Health.Status.DEGRADED, reason, details);
    }
    return Health.of(seen.status(), seen.reason(), details);
  }

  /**
   * Starts a saga in the caller's transaction: the saga exists and its first command is published
   * once the transaction commits. Idempotent by the definition's name and {@code businessKey}: if
   * such a saga exists, of any version and in any status, nothing is changed and its id is
   * returned. Blocks while another transaction is starting the same saga.
   *
   * @param <S> class of the state
   * @param tx the running transaction, on this engine's database
   * @param definition a definition of this engine
   * @param businessKey 1 to 200 characters, for example the order number
   * @param state the initial state
   * @return id of the saga, the correlation id of its messages
   * @throws IllegalArgumentException if the definition is not this engine's, the key breaks its
   *     rule, or {@code tx} belongs to another database; nothing was written
   * @throws IllegalStateException coded, if {@code tx} has ended; {@code COMMS-JDBC-006} if its
   *     connection is in auto-commit mode; nothing was written
   * @throws io.commslib.core.CodecException if the state or the first command can't be encoded;
   *     nothing was written
   * @throws StoreException if the database fails; the transaction must roll back
   */
  public <S> String start(
      TransactionContext tx, SagaDefinition<S> definition, String businessKey, S state) {
    Checks.check(
        definitions.get(definition.id()) == definition,
        "definition",
        definition.id() + (definitions.containsKey(definition.id()) ? ", another instance" : ""),
        "the instance added to this engine's builder, which has " + definitions.keySet());
    Checks.inRange("businessKey length", businessKey.length(), 1, 200);
    Connection connection = JdbcTransactions.connection(tx, database);
    String id = MessageIds.next(runtime.time(), runtime.random());
    try {
      if (transitions.start(tx, definition, id, businessKey, state)) {
        return id;
      }
      return store
          .find(connection, definition.name(), businessKey)
          .map(StoredSaga::id)
          .orElseThrow(() -> contention(definition.name() + "/" + businessKey));
    } catch (SQLException e) {
      // On some databases the rest of the transaction could still commit, without the saga.
      StoreException failure = SqlErrors.translate("saga start", e);
      tx.fail(failure);
      throw failure;
    }
  }

  /**
   * Returns the handler of the participants' replies. Use it in a transactional subscription on
   * this engine's database, with or without an inbox: a repeated reply changes nothing. A reply
   * without a saga is dead-lettered as {@code NO_SAGA}, a reply that fits no command of its saga as
   * {@code UNEXPECTED_REPLY}. A reply for a definition that this process does not have is retried.
   *
   * @return the handler
   */
  public MessageHandler replies() {
    return replies;
  }

  /**
   * Finds a saga by its business key. Blocks for one query.
   *
   * @param type name of the definition
   * @param businessKey the key that the saga was started with
   * @return the saga's snapshot, or empty
   * @throws StoreException if the database fails
   */
  public Optional<SagaSnapshot> find(String type, String businessKey) {
    return inTransaction(connection -> store.find(connection, type, businessKey))
        .map(SagaSnapshot::new);
  }

  /**
   * Lists the sagas with a status, least recently changed first. Blocks for one query.
   *
   * @param status the status
   * @param limit maximum number of sagas, 1 to 10,000
   * @return up to {@code limit} snapshots
   * @throws IllegalArgumentException if the limit is out of range
   * @throws StoreException if the database fails
   */
  public List<SagaSnapshot> list(SagaStatus status, int limit) {
    Checks.inRange("limit", limit, 1, 10_000);
    return inTransaction(connection -> store.list(connection, status, limit)).stream()
        .map(SagaSnapshot::new)
        .toList();
  }

  /**
   * Returns the history of a saga, oldest entry first. Blocks for one query.
   *
   * @param sagaId id of the saga
   * @return the history; empty if there is no such saga
   * @throws StoreException if the database fails
   */
  public List<SagaLogEntry> timeline(String sagaId) {
    return inTransaction(connection -> store.history(connection, sagaId));
  }

  /**
   * Retries a parked saga: sends again the command or compensation at which it parked, with all its
   * attempts.
   *
   * @param sagaId id of the saga
   * @param actor the operator, 1 to 100 characters, recorded in the history
   * @param reason the reason, up to 1,000 characters, recorded in the history
   * @return false if there is no such saga or it is not parked
   * @throws IllegalArgumentException if actor or reason breaks its rule
   * @throws SagaException {@code COMMS-SAGA-002} if the saga's definition is not this engine's,
   *     {@code COMMS-SAGA-004} if a function or hook of the definition fails
   * @throws StoreException if the database fails; unless the result is unknown nothing was changed
   */
  public boolean retry(String sagaId, String actor, String reason) {
    return operatorActions.apply(sagaId, actor, reason, new Input.Retry(actor, reason));
  }

  /**
   * Settles by hand the step at which a saga parked: a compensation counts as done, a command as
   * succeeded without a change of the state. The saga continues from there.
   *
   * @param sagaId id of the saga
   * @param actor the operator, 1 to 100 characters, recorded in the history
   * @param reason the reason, up to 1,000 characters, recorded in the history
   * @return false if there is no such saga or it is not parked
   * @throws SagaException as {@link #retry}
   * @throws StoreException as {@link #retry}
   */
  public boolean resolve(String sagaId, String actor, String reason) {
    return operatorActions.apply(sagaId, actor, reason, new Input.Resolve(actor, reason));
  }

  /**
   * Cancels a saga that moves forward: undoes the step in progress, whose outcome is unknown, and
   * all steps before it.
   *
   * @param sagaId id of the saga
   * @param actor the operator, 1 to 100 characters, recorded in the history
   * @param reason the reason, up to 1,000 characters, recorded in the history
   * @return false if there is no such saga, it does not move forward, or it has reached its pivot
   * @throws SagaException as {@link #retry}
   * @throws StoreException as {@link #retry}
   */
  public boolean cancel(String sagaId, String actor, String reason) {
    return operatorActions.apply(sagaId, actor, reason, new Input.Cancel(actor, reason));
  }

  /**
   * Deletes completed and compensated sagas that have not changed for the configured retention,
   * with their history, in batches. Blocks. The engine never calls this method; call it from a
   * scheduled job. A reply that arrives later finds no saga, and a start with the same key starts a
   * new one.
   *
   * @return the number of deleted sagas
   * @throws StoreException if the database fails; deleted batches stay deleted
   */
  public long purge() {
    long deleted = 0;
    int batch;
    do {
      batch = inTransaction(connection -> store.purge(connection, config.retention(), PURGE_BATCH));
      deleted += batch;
    } while (batch == PURGE_BATCH);
    return deleted;
  }

  static StoreException contention(String what) {
    return new StoreException(
        "COMMS-SAGA-001",
        FailureKind.CONTENTION,
        "saga " + what + ": another transaction changes it",
        null);
  }

  private interface SqlWork<T> {
    T run(Connection connection) throws SQLException;
  }

  private <T> T inTransaction(SqlWork<T> work) {
    try {
      return transactions.<T, SQLException>run(tx -> work.run(tx.unwrap(Connection.class)));
    } catch (SQLException e) {
      throw SqlErrors.translate("saga", e);
    }
  }

  /** Builds an engine. Not thread-safe. */
  public static final class Builder {
    private final JdbcDatabase database;
    private final TypeRegistry types;
    private final Codec codec;
    private final Map<String, SagaDefinition<?>> definitions = new LinkedHashMap<>();
    private @Nullable Outbox outbox;
    private @Nullable CommsRuntime runtime;
    private SagaConfig config = SagaConfig.defaults();
    private CommsObserver observer = CommsObserver.logging();

    private Builder(JdbcDatabase database, TypeRegistry types, Codec codec) {
      this.database = Objects.requireNonNull(database, "database");
      this.types = Objects.requireNonNull(types, "types");
      this.codec = Objects.requireNonNull(codec, "codec");
    }

    /**
     * Sets the outbox to which commands are published. Required.
     *
     * @param outbox the service's outbox, on the same database
     * @return this
     * @throws IllegalArgumentException if the outbox is on another database
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
     * Adds a definition. At least one is required. Keep an old version beside the new one until no
     * saga of the old version is left.
     *
     * @param definition the definition to run
     * @return this
     * @throws IllegalArgumentException if a definition of this name and version was already added,
     *     or the class of a reply is not in the type registry
     */
    public Builder define(SagaDefinition<?> definition) {
      for (Class<?> reply : definition.replyClasses()) {
        Checks.check(
            types.contains(reply),
            "definition " + definition.id() + ": reply",
            reply.getName(),
            "a class of the type registry");
      }
      Checks.check(
          definitions.putIfAbsent(definition.id(), definition) == null,
          "definition",
          definition.id(),
          "defined once");
      return this;
    }

    /**
     * Sets poll interval, batch size, lease and retention.
     *
     * @param config settings, default {@link SagaConfig#defaults()}
     * @return this
     */
    public Builder config(SagaConfig config) {
      this.config = Objects.requireNonNull(config, "config");
      return this;
    }

    /**
     * Sets the observer. It receives {@linkplain CommsObserver#onTrouble trouble}: sagas that are
     * parked or could not be woken, and failures of the engine itself.
     *
     * @param observer default {@link CommsObserver#logging()}; {@link CommsObserver#and} combines
     *     it with one of your own
     * @return this
     */
    public Builder observer(CommsObserver observer) {
      this.observer = Objects.requireNonNull(observer, "observer");
      return this;
    }

    /**
     * Sets the source of time, randomness and threads. Required.
     *
     * @param runtime must outlive the engine
     * @return this
     */
    public Builder runtime(CommsRuntime runtime) {
      this.runtime = Objects.requireNonNull(runtime, "runtime");
      return this;
    }

    /**
     * Builds the engine. It can start sagas and handle replies immediately, and wakes overdue sagas
     * once it is started.
     *
     * @return new engine
     * @throws IllegalArgumentException if there is no definition
     * @throws NullPointerException if outbox or runtime is missing
     */
    public SagaEngine build() {
      Checks.check(!definitions.isEmpty(), "definitions", 0, "1 or more");
      return new SagaEngine(this);
    }
  }
}
