package io.commslib.saga;

import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
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
 * Runs sagas: starts them, takes replies, and wakes those whose reply is overdue. Row, history and
 * commands of a move commit in one transaction, and every write names the version it was decided
 * on: of several that act on one saga at once, one takes effect and the others decide anew. Any
 * process that knows the definition may wake any overdue saga.
 *
 * <p>Thread-safe. Overdue sagas are woken by four threads named {@code commslib-saga-timer-1} to
 * {@code -4}, one of which at a time asks the database; so a function or hook that hangs holds one
 * thread and its saga. An error that one of them throws is a failure of its saga only: a saga whose
 * function fails when it is woken is parked, and one that can't be moved for another reason (a
 * hook, the outbox, a statement) is woken again after a growing wait and parked after 10 failures
 * in a row, which its history counts. Retrying it by hand has it try again. Replies run on the
 * threads of the subscription that {@link #replies()} is given to. The parts it is built from
 * outlive it.
 */
public final class SagaEngine implements LifecycleComponent {

  private static final int MAX_CONFLICT_RETRIES = 10;
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
   * @param database where the sagas' tables lie
   * @param types classes of commands and replies
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
   * Checks tables and definitions and begins to wake overdue sagas. Blocks for a few statements.
   *
   * @throws StoreException if the schema is missing, older or newer, or the database can't be
   *     reached
   * @throws SagaException {@code COMMS-SAGA-003}, {@code PERMANENT}, if the structure of a
   *     definition differs from the one on record for its name and version
   */
  @Override
  public void start() {
    SagaSchema.scripts().check(database);
    for (SagaDefinition<?> definition : definitions.values()) {
      String onRecord =
          inTransaction(connection -> store.recordedStructure(connection, definition));
      if (!onRecord.equals(definition.structure())) {
        throw new SagaException(
            "COMMS-SAGA-003",
            FailureKind.PERMANENT,
            "saga "
                + definition.id()
                + ": structure ["
                + definition.structure().replace("\n", "; ")
                + "] (expected: ["
                + onRecord.replace("\n", "; ")
                + "] as on record, or a new version)",
            null);
      }
    }
    timer.start();
  }

  /** Stops waking; sagas can still be started and replies taken. */
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
   * Returns the health as of the last look at the table. Degraded when sagas are parked, when
   * overdue ones are of a definition this process does not know, when the database failed, while
   * sagas wait after a failure to be woken again, while a saga's function or hook has been running
   * for longer than the lease, while the observer or the log does not return, and while the timer
   * pauses since the JVM failed. Down when the timer does not run, or when no pass of it has ended
   * for a poll interval, two leases and 10 s. Details {@code oldestOverdueSeconds}, {@code
   * overdue}, {@code failing}, {@code parked}, {@code lastPassSeconds}.
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
    String untold = events.trouble();
    if (!untold.isEmpty()) {
      String reason = seen.reason().isEmpty() ? untold : untold + "; " + seen.reason();
      return Health.of(Health.Status.DEGRADED, reason, details);
    }
    return Health.of(seen.status(), seen.reason(), details);
  }

  /**
   * Starts a saga in the caller's transaction: it begins, and its first command leaves, when that
   * commits. Idempotent by the definition's name and {@code businessKey}: if there is such a saga,
   * of whatever version and status, nothing is changed and its id is returned. Waits for a
   * transaction that is starting the same one.
   *
   * @param <S> class of the state
   * @param tx the running transaction, on this engine's database
   * @param definition one of this engine's
   * @param businessKey 1 to 200 characters, for example the order number
   * @param state the state it begins with
   * @return id of the saga, the correlation id of its messages
   * @throws IllegalArgumentException if the definition is not this engine's, the key breaks its
   *     rule, or {@code tx} belongs to another database; nothing was written
   * @throws IllegalStateException coded, if {@code tx} is over; {@code COMMS-JDBC-006} if its
   *     connection is in auto-commit mode; nothing was written
   * @throws io.commslib.core.CodecException if the state or the first command can't be written;
   *     nothing was
   * @throws StoreException if the database fails; the transaction must roll back
   */
  public <S> String start(
      TransactionContext tx, SagaDefinition<S> definition, String businessKey, S state) {
    Checks.check(
        definitions.get(definition.id()) == definition,
        "definition",
        definition.id() + (definitions.containsKey(definition.id()) ? ", another instance" : ""),
        "the instance that was given to this engine's builder, which has " + definitions.keySet());
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
      // On some databases the rest of the transaction could still be committed, without the saga.
      StoreException failure = SqlErrors.translate("saga start", e);
      tx.fail(failure);
      throw failure;
    }
  }

  /**
   * Returns the handler of the participants' replies. Give it to a transactional subscription on
   * this engine's database, with an inbox or without: a repeated reply changes nothing. A reply
   * that fits no saga goes to the dead letters as {@code NO_SAGA}, one that fits no command of it
   * as {@code UNEXPECTED_REPLY}; one of a definition this process does not know is retried.
   *
   * @return the handler
   */
  public MessageHandler replies() {
    return replies;
  }

  /**
   * Returns a saga.
   *
   * @param type name of the definition
   * @param businessKey the key it was started with
   * @return its snapshot, or empty
   * @throws StoreException if the database fails
   */
  public Optional<SagaSnapshot> find(String type, String businessKey) {
    return inTransaction(connection -> store.find(connection, type, businessKey))
        .map(SagaSnapshot::new);
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
    return inTransaction(connection -> store.list(connection, status, limit)).stream()
        .map(SagaSnapshot::new)
        .toList();
  }

  /**
   * Returns what happened to a saga, oldest first.
   *
   * @param sagaId its id
   * @return its history; empty if there is no such saga
   * @throws StoreException if the database fails
   */
  public List<SagaLogEntry> timeline(String sagaId) {
    return inTransaction(connection -> store.history(connection, sagaId));
  }

  /**
   * Has a parked saga try again what it parked at, with all its attempts.
   *
   * @param sagaId its id
   * @param actor who asks, 1 to 100 characters, for its history
   * @param reason why, up to 1,000 characters, for its history
   * @return false if there is no such saga or it is not parked
   * @throws SagaException {@code COMMS-SAGA-002} if its definition is not this engine's, {@code
   *     COMMS-SAGA-004} if a function of it fails
   * @throws StoreException if the database fails; unless the result is unknown nothing was changed
   */
  public boolean retry(String sagaId, String actor, String reason) {
    return applyOperatorInput(sagaId, actor, reason, new Input.Retry(actor, reason));
  }

  /**
   * Takes what a parked saga waits for as done by hand: the compensation as undone, the command as
   * succeeded without a change of the state. The saga goes on from there.
   *
   * @param sagaId its id
   * @param actor who asks, 1 to 100 characters, for its history
   * @param reason why, up to 1,000 characters, for its history
   * @return false if there is no such saga or it is not parked
   * @throws SagaException as {@link #retry}
   * @throws StoreException as {@link #retry}
   */
  public boolean resolve(String sagaId, String actor, String reason) {
    return applyOperatorInput(sagaId, actor, reason, new Input.Resolve(actor, reason));
  }

  /**
   * Has a saga that goes forward undone: the step under way, whose outcome is unknown, and all
   * before it.
   *
   * @param sagaId its id
   * @param actor who asks, 1 to 100 characters, for its history
   * @param reason why, up to 1,000 characters, for its history
   * @return false if there is no such saga, it does not go forward, or it has come to its pivot
   * @throws SagaException as {@link #retry}
   * @throws StoreException as {@link #retry}
   */
  public boolean cancel(String sagaId, String actor, String reason) {
    return applyOperatorInput(sagaId, actor, reason, new Input.Cancel(actor, reason));
  }

  /**
   * Removes completed and compensated sagas that have not changed for the configured retention,
   * with their history, in batches. Never called by the engine; call it from a scheduled job. A
   * reply that comes later finds no saga, and a start of the same key begins a new one.
   *
   * @return how many were removed
   * @throws StoreException if the database fails; removed batches stay removed
   */
  public long purge() {
    long removed = 0;
    int batch;
    do {
      batch = inTransaction(connection -> store.purge(connection, config.retention(), PURGE_BATCH));
      removed += batch;
    } while (batch == PURGE_BATCH);
    return removed;
  }

  private boolean applyOperatorInput(String sagaId, String actor, String reason, Input input) {
    Checks.inRange("actor length", actor.length(), 1, 100);
    Checks.inRange("reason length", reason.length(), 0, 1_000);
    for (int race = 0; race < MAX_CONFLICT_RETRIES; race++) {
      try {
        SagaTransitions.Outcome outcome =
            transactions.<SagaTransitions.Outcome, Exception>run(
                tx -> applyOperatorInput(tx, sagaId, input));
        if (outcome != SagaTransitions.Outcome.CONFLICT) {
          return outcome == SagaTransitions.Outcome.APPLIED;
        }
      } catch (SagaTransitions.RefusedException e) {
        return false;
      } catch (SQLException e) {
        throw SqlErrors.translate("saga", e);
      } catch (StoreException | SagaException e) {
        throw e;
      } catch (DefinitionFailedException e) {
        throw definitionFailed(sagaId, e.failure());
      } catch (Exception | Error e) {
        Optional<VirtualMachineError> jvm = Failures.jvmFailure(e);
        if (jvm.isPresent()) {
          throw jvm.get();
        }
        throw definitionFailed(sagaId, e);
      }
    }
    throw contention(sagaId);
  }

  private SagaTransitions.Outcome applyOperatorInput(
      TransactionContext tx, String sagaId, Input input) throws Exception {
    Optional<StoredSaga> stored = store.load(tx.unwrap(Connection.class), sagaId);
    if (stored.isEmpty()) {
      return SagaTransitions.Outcome.IGNORED;
    }
    String wanted = SagaDefinition.id(stored.get().type(), stored.get().definitionVersion());
    SagaDefinition<?> definition = definitions.get(wanted);
    if (definition == null) {
      throw new SagaException(
          "COMMS-SAGA-002",
          FailureKind.PERMANENT,
          "saga " + sagaId + ": " + wanted + " (expected: one of " + definitions.keySet() + ")",
          null);
    }
    return transitions.apply(tx, definition, stored.get(), input, null);
  }

  private static SagaException definitionFailed(String sagaId, Throwable cause) {
    return new SagaException(
        "COMMS-SAGA-004",
        FailureKind.PERMANENT,
        "saga "
            + sagaId
            + ": a function or hook of its definition threw "
            + cause.getClass().getName(),
        SagaEvents.withoutValues(cause));
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

  /** Collects the parts. Not thread-safe. */
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
     * Sets the outbox through which commands leave. Required.
     *
     * @param outbox the service's outbox, on the same database
     * @return this
     * @throws IllegalArgumentException if it lies on another database
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
     * Adds a definition; versions of one name stand side by side until no saga of the old one is
     * left.
     *
     * @param definition what to run
     * @return this
     * @throws IllegalArgumentException if its name and version are there already, or a reply of it
     *     is not a class of the type registry
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
     * Sets the observer. It is told of {@linkplain CommsObserver#onTrouble trouble}: sagas that are
     * parked or could not be woken, and failures of the engine's parts.
     *
     * @param observer default {@link CommsObserver#logging()}, which {@link CommsObserver#and}
     *     combines with one of your own
     * @return this
     */
    public Builder observer(CommsObserver observer) {
      this.observer = Objects.requireNonNull(observer, "observer");
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
     * Builds the engine; it can start sagas and take replies at once, and wakes overdue ones once
     * started.
     *
     * @return new engine
     * @throws IllegalArgumentException if nothing is defined
     * @throws NullPointerException if outbox or runtime is missing
     */
    public SagaEngine build() {
      Checks.check(!definitions.isEmpty(), "definitions", 0, "1 or more");
      return new SagaEngine(this);
    }
  }
}
