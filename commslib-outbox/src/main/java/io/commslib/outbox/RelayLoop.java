package io.commslib.outbox;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.time.CommsRuntime;
import io.commslib.jdbc.SqlDialect;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * What the relay's thread does: settle what came back, delete what is confirmed, read what may go,
 * publish it, and begin again. Its fields belong to that thread, the volatile ones aside.
 */
final class RelayLoop {

  private static final Duration AFTER_FAILURE = Duration.ofMillis(300);
  private static final Duration BETWEEN_RETRY_CHECKS = Duration.ofSeconds(2);
  private static final long FOR_ROOM_NANOS = Duration.ofMillis(5).toNanos();

  /**
   * Publishes of a pass, should each of them wait; what has come back meanwhile has its turn then.
   */
  private static final long SPELL_NANOS = Duration.ofSeconds(1).toNanos();

  private static final long LAST_SECONDS = 3;

  /** Where each look passes over all that is held, as it does but on PostgreSQL. */
  private static final int MAX_PASSED_OVER = 4_000;

  private final OutboxConfig config;
  private final CommsRuntime runtime;
  private final ShardLeases leases;
  private final WakeSignal signal;
  private final OutboxTransactions transactions;
  private final RowTables tables;
  private final RelayFetcher next;
  private final RelayPacing pace = new RelayPacing();
  private final RelayWindow window;
  private final boolean fencesKeys;
  private final RowPublisher handovers;
  private final RelayPause pause;
  private final RowInterruptedAttempt owed;
  private final DestinationWaits waiting;
  private final RowFailures refused;
  private final OutboxEvents events;
  private final OutageLogger outage;
  private final RelayLoopProgress pulse;
  private final RelayBackgroundTask deleting;
  private final RelayBackgroundTask reading;
  private final RowDeleter confirmed;
  private final RelayLimits limits;
  private final RelayFetchBudget budget = new RelayFetchBudget();
  private final RelayDrainRequests drains;
  private ShardOwnership own;
  private boolean retries = true;
  private long retriesChecked;
  private long nextAttempt;
  private long promoted;
  private int lastShard;
  private boolean more = true;
  private long spellBegan;
  private long published;

  private volatile boolean draining;
  private volatile boolean closed;
  private volatile RelayState state = RelayState.IDLE;

  RelayLoop(
      JdbcOutbox outbox,
      Publisher publisher,
      boolean fencesKeys,
      CommsRuntime runtime,
      ShardLeases leases,
      WakeSignal signal,
      RelayStandby standby,
      Runnable onStandby,
      OutboxEvents events) {
    this.config = outbox.config();
    this.pulse = new RelayLoopProgress("relay", runtime.time());
    this.pause = new RelayPause(standby, onStandby, events, pulse);
    this.fencesKeys = fencesKeys;
    this.handovers = new RowPublisher(publisher, fencesKeys, signal, pulse);
    this.events = events;
    this.outage = new OutageLogger(events, "reading and publishing");
    this.runtime = runtime;
    this.leases = leases;
    this.signal = signal;
    this.transactions = OutboxTransactions.ofLoop(outbox.jdbc());
    this.drains = new RelayDrainRequests(outbox.jdbc(), transactions, leases, events);
    this.tables = new RowTables(outbox.jdbc());
    PostgresRows postgres =
        outbox.jdbc().dialect() == SqlDialect.POSTGRESQL ? new PostgresRows(outbox.jdbc()) : null;
    this.deleting =
        new RelayBackgroundTask(signal, new RelayLoopProgress("delete", runtime.time()));
    this.reading = new RelayBackgroundTask(signal, new RelayLoopProgress("read", runtime.time()));
    this.next =
        new RelayFetcher(
            outbox.jdbc(), config.shards(), postgres, runtime.time(), reading, budget, events);
    this.window = new RelayWindow(fencesKeys ? Integer.MAX_VALUE : 1);
    DestinationStops stopped = new DestinationStops(outbox.jdbc());
    this.waiting =
        new DestinationWaits(new DestinationPauses(runtime, config.backoff()), stopped, events);
    this.owed = new RowInterruptedAttempt(transactions, tables, this::count, pause, outage);
    this.refused =
        new RowFailures(outbox, transactions, tables, leases, stopped, runtime.random(), events);
    this.confirmed =
        new RowDeleter(outbox, transactions, tables, postgres, leases, runtime.time(), deleting);
    int passedOver = postgres == null ? MAX_PASSED_OVER : Integer.MAX_VALUE;
    this.limits = new RelayLimits(config, window, Math.min(passedOver, config.maxUnconfirmed()));
    this.own = leases.current();
    this.retriesChecked = now();
    this.nextAttempt = now();
    this.promoted = now() - config.pollInterval().toNanos();
  }

  /** Runs until {@link #close}, whatever fails. */
  void run() {
    handovers.begin();
    while (!closed) {
      long wait = AFTER_FAILURE.toNanos();
      try {
        wait = turn();
      } catch (Throwable e) {
        // Not even dealing with a failure worked: the next turn tries again.
        more = true;
      }
      rest(wait);
    }
    acknowledgeTheLast();
  }

  private long turn() {
    pulse.begin();
    try {
      return pause.isOn() ? standBy() : pass();
    } catch (Throwable e) {
      return failed(e);
    } finally {
      pulse.end();
    }
  }

  private void rest(long wait) {
    try {
      // What a driver has left set must not end this wait.
      Thread.interrupted();
      if (wait > 0 && !signal.await(wait)) {
        more = true;
      }
      long linger = pace.linger(now());
      if (linger > 0 && !closed) {
        // Where keys are not fenced, a row that came back lets the next of its key go.
        signal.linger(linger, () -> closed || (!fencesKeys && !handovers.isEmpty()));
      }
    } catch (Throwable stray) {
      // Then the next pass comes earlier. Only closing ends this loop.
      more = true;
    }
  }

  /** The pass has failed; returns how long to wait before the next. */
  private long failed(Throwable failure) {
    more = true;
    budget.failed();
    if (Failures.isJvmFailure(failure)) {
      return pause(null, failure);
    }
    next.afterFailure();
    outage.failed(failure);
    note(Failures.text(failure));
    return AFTER_FAILURE.toNanos();
  }

  /**
   * An error of the JVM: this relay gives its shards back and goes on after a pause.
   *
   * @param row that was being handed over, which counts as a failed attempt of it; or null
   */
  private long pause(@Nullable OutboxRow row, Throwable failure) {
    pause.begin(failure);
    if (row != null) {
      owed.owe(row, failure);
      owed.count(own);
    }
    pause.announce(failure);
    return 0;
  }

  private long standBy() {
    long left = pause.nanosLeft();
    if (left > 0) {
      note("");
      return left;
    }
    keepConfirmed();
    // What an error has left half done is forgotten, and found again.
    handovers.reset();
    window.reset();
    next.afterFailure();
    pause.end();
    more = true;
    return 0;
  }

  /** Of what came back, what was confirmed need not be published again. */
  private void keepConfirmed() {
    for (RowPublication done = handovers.poll(); done != null; done = handovers.poll()) {
      if (done.failure() == null) {
        confirmed.add(done.row());
      }
    }
  }

  RelayLoopProgress pulse() {
    return pulse;
  }

  /** The threads beside that of {@link #run}, by name, until {@link #stopOthers}. */
  Map<String, RelayBackgroundTask> others() {
    return next.canReadAhead()
        ? Map.of("outbox-ack", deleting, "outbox-read", reading)
        : Map.of("outbox-ack", deleting);
  }

  /** Ends the {@link #others}, however {@link #run} has ended. */
  void stopOthers() {
    deleting.stop();
    reading.stop();
  }

  /** What is confirmed by now need not be published again by the next owner. */
  private void acknowledgeTheLast() {
    try {
      keepConfirmed();
      confirmed.flush(own, retries, LAST_SECONDS);
    } catch (Throwable e) {
      events.failed(confirmed.size() + " confirmed messages will be published again", e);
    }
  }

  void close() {
    closed = true;
    signal.raise();
  }

  /**
   * Whether all is done, as of a pass that begins after this call; see {@link RelayDrainRequests}.
   */
  Future<Boolean> drain() {
    Future<Boolean> answer = drains.ask();
    draining = true;
    signal.raise();
    return answer;
  }

  /** How long what was acknowledged last had taken since it was written. */
  Duration lag() {
    return confirmed.lag();
  }

  RelayState state() {
    return state;
  }

  /** One round; returns how long to wait for a signal before the next. */
  private long pass() {
    // Asked before the look: one that is under way may have missed what drain is to wait for.
    CompletableFuture<Boolean> toDrain = drains.open();
    adoptOwnership();
    owed.count(own);
    settle();
    int found = 0;
    if (handovers.broken() == null) {
      acknowledgeConfirmed();
      promoteDelayed();
      found = look();
      settle();
    }
    RowPublication broken = handovers.broken();
    if (broken != null) {
      return pause(broken.row(), Objects.requireNonNull(broken.failure()));
    }
    acknowledgeConfirmed();
    leases.reportDrained(own, finishedOfLeaving());
    pulse.doing("learning what is settled");
    next.learn(window);
    if (!confirmed.isFailing()) {
      note("");
      outage.succeeded();
    }
    if (!handovers.isEmpty() || (more && found > 0)) {
      return 0;
    }
    // A look that had no room for rows leaves "more".
    if (toDrain != null && found == 0 && !more && isDrained()) {
      pulse.doing("looking for messages that no relay reads");
      drains.answer(toDrain, own);
    }
    long wait = Math.min(nextLook(), Math.max(1, confirmed.nanosToBegin()));
    return more || draining ? Math.min(FOR_ROOM_NANOS, wait) : wait;
  }

  /** Forgets what is not with the transport of shards that were lost, and looks closer at new. */
  private void adoptOwnership() {
    ShardOwnership before = own;
    own = leases.current();
    if (!own.leaving().isEmpty() && !own.leaving().equals(before.leaving())) {
      // They wait for what is with the transport, not for what waits behind it.
      window.forgetWaiting(row -> own.leaving().contains(row.shard()));
      next.again();
      more = true;
    }
    if (before.epochs().equals(own.epochs())) {
      return;
    }
    window.forgetWaiting(row -> !sameEpoch(before, row.shard()));
    // The owner before may have blocked keys that a look without retries would let through.
    retries = true;
    more = true;
    next.fromTheStart();
  }

  private boolean sameEpoch(ShardOwnership before, int shard) {
    Long epoch = before.epochs().get(shard);
    return epoch != null && own.owns(shard, epoch);
  }

  private Set<Integer> finishedOfLeaving() {
    if (own.leaving().isEmpty()) {
      return Set.of();
    }
    Set<Integer> finished = new HashSet<>(own.leaving());
    finished.removeAll(window.busyShards());
    return finished;
  }

  /** Looks for rows if there may be any; says how many it took. */
  private int look() {
    pulse.doing("looking for rows");
    if (next.isAhead()) {
      RelayFetcher.Found found = next.arrived(isPlain());
      if (found == null) {
        more = true;
        return 0;
      }
      // What was raised while that look was under way may have come too late for it.
      more = found.full() || signal.takeRaised();
      if (!found.rows().isEmpty()) {
        return use(found);
      }
    }
    boolean raised = signal.takeRaised();
    if (!raised && !more && !draining) {
      return 0;
    }
    Set<Integer> shards = own.readable(now());
    List<String> crowded = limits.crowded();
    Set<String> unwanted = unwanted(crowded);
    int room = limits.room(unwanted.isEmpty(), List.of());
    // Whoever gives this relay shards wakes it; room comes back by and by.
    more = !shards.isEmpty();
    if (shards.isEmpty() || !pace.isWorth(room, config, now())) {
      return 0;
    }
    if (!crowded.isEmpty() && !pace.isTimeForOthers(now())) {
      return 0;
    }
    more = !crowded.isEmpty();
    List<Integer> order = inTurn(shards);
    long start = now();
    checkRetriesNow();
    int limit = budget.rows(limits.limit(room, List.of()));
    RelayFetcher.Found found = next.look(order, unwanted, retries, window, limit);
    if (!crowded.isEmpty()) {
      pace.lookedForOthers(start, now());
    }
    return use(found);
  }

  private int use(RelayFetcher.Found found) {
    budget.succeeded();
    limits.learn(found.rows());
    if (!found.rows().isEmpty()) {
      lastShard = found.rows().get(found.rows().size() - 1).shard();
    }
    if (found.full() && !draining && next.canReadAhead()) {
      readAhead(found.rows());
    }
    int taken = take(found.rows());
    more |= found.full();
    pace.read(taken, found.limit(), now());
    return taken;
  }

  /**
   * Begins the next look before these rows are published, as if they were: while one batch is
   * published the database reads the next.
   */
  private void readAhead(List<OutboxRow> rows) {
    Set<Integer> shards = own.readable(now());
    int room = limits.room(true, rows);
    if (retries || !RelayPacing.isEnough(room, config) || shards.isEmpty()) {
      return;
    }
    checkRetriesNow();
    if (isPlain()) {
      next.lookAhead(inTurn(shards), window, rows, budget.rows(limits.limit(room, rows)));
    }
  }

  /** Whether no look need leave out anything but what is held. */
  private boolean isPlain() {
    return !retries && unwanted(List.of()).isEmpty();
  }

  private int take(List<OutboxRow> rows) {
    int before = window.size();
    int settledBefore = confirmed.size();
    beginSpell();
    Set<String> passedOver = new HashSet<>();
    Map<Long, OutboxRow> bodies = Map.of();
    for (int place = 0; place < rows.size(); place++) {
      OutboxRow row = rows.get(place);
      boolean may =
          limits.allow(row)
              && !isSpellOver()
              && (passedOver.isEmpty() || !passedOver.contains(laneOf(row)));
      if (may && !row.hasBody()) {
        if (!bodies.containsKey(row.id())) {
          bodies = bodies(rows, place);
        }
        OutboxRow complete = bodies.get(row.id());
        if (complete == null) {
          // It is gone by now.
          continue;
        }
        row = complete;
      }
      boolean held = may && offer(row);
      if (!held) {
        // Nor may a later one of its key: the lease may be renewed while this goes on.
        passedOver.add(laneOf(row));
        next.again();
        more = true;
      }
    }
    return window.size() - before + confirmed.size() - settledBefore;
  }

  /** Fetches the bodies of a row and of a few behind it. */
  private Map<Long, OutboxRow> bodies(List<OutboxRow> rows, int from) {
    List<OutboxRow> without =
        rows.subList(from, rows.size()).stream().filter(row -> !row.hasBody()).toList();
    List<OutboxRow> some = without.subList(0, budget.together(without, 0));
    try {
      Map<Long, OutboxRow> bodies = next.bodies(some);
      budget.succeeded();
      return bodies;
    } catch (Throwable e) {
      // What was found is found again.
      next.again();
      throw e;
    }
  }

  /** Its lane, or a text that is none other's. */
  private static String laneOf(OutboxRow row) {
    String lane = row.lane();
    return lane == null ? Long.toString(row.id()) : lane;
  }

  /** Holds a row, and publishes it if it may go now; says whether it is held. */
  private boolean offer(OutboxRow row) {
    if (window.add(row)) {
      publish(row);
    }
    return window.contains(row);
  }

  private Set<String> unwanted(List<String> crowded) {
    Set<String> names = waiting.names();
    names.addAll(crowded);
    return names;
  }

  /** Begins behind the shard of the last row read, so that a busy shard does not starve others. */
  private List<Integer> inTurn(Set<Integer> shards) {
    List<Integer> order = new ArrayList<>(new TreeSet<>(shards));
    long passed = order.stream().filter(shard -> shard <= lastShard).count();
    Collections.rotate(order, (int) -passed);
    return order;
  }

  private void checkRetriesNow() {
    if (retries || now() - retriesChecked > BETWEEN_RETRY_CHECKS.toNanos()) {
      retries =
          transactions.single(
              "read",
              connection -> {
                waiting.refresh(connection);
                return tables.hasRetries(connection);
              });
      retriesChecked = now();
      waiting.tellStopped();
    }
  }

  private void publish(OutboxRow row) {
    Long epoch = own.epochs().get(row.shard());
    ShardOwnership now = leases.current();
    published = now();
    boolean mine =
        epoch != null
            && now.owns(row.shard(), epoch)
            && now.isSafe(published)
            && handovers.broken() == null;
    if (!mine || !handovers.handOver(row, window.generation())) {
      window.withdraw(row);
      next.again();
      more = true;
    }
  }

  private void beginSpell() {
    spellBegan = now();
    published = spellBegan;
  }

  /** Whether publishes have waited so long by now that the pass must end, and show that it does. */
  private boolean isSpellOver() {
    return published - spellBegan > SPELL_NANOS;
  }

  /** Takes what has come back from the transport. */
  private void settle() {
    beginSpell();
    while (!isSpellOver()) {
      RowPublication done = handovers.poll();
      if (done == null) {
        return;
      }
      settle(done);
    }
  }

  private void settle(RowPublication done) {
    OutboxRow row = done.row();
    Throwable failure = done.failure();
    RelayWindow.Step step;
    if (failure == null) {
      pause.succeeded();
      waiting.reached(row.destination());
      confirmed.add(row);
      if (done.generation() != window.generation()) {
        return;
      }
      step = window.confirmed(row);
    } else {
      done.known();
      next.again();
      more = true;
      if (done.generation() != window.generation()) {
        return;
      }
      step = window.failed(row, failure);
    }
    if (step.next() != null) {
      publish(step.next());
    }
    if (step.failure() != null) {
      decide(step.failure().row(), step.failure().cause());
    }
  }

  /**
   * What a failed publish means. Something out of reach, given up or busy says nothing about the
   * row: its destination waits, and no attempt is counted.
   */
  private void decide(OutboxRow row, Throwable failure) {
    if (Failures.isJvmFailure(failure)) {
      // What it says of a row is said by the pause, which it begins.
      return;
    }
    FailureKind kind =
        Failures.known(failure).map(CommsException::kind).orElse(FailureKind.PERMANENT);
    if (kind == FailureKind.PERMANENT) {
      count(row, failure);
      return;
    }
    waiting.outOfReach(row.destination(), Failures.unwrapped(failure));
    window.forgetWaiting(other -> other.destination().equals(row.destination()));
    note("");
  }

  private void count(OutboxRow row, Throwable failure) {
    pulse.doing("counting a failed attempt");
    // Also if its result is unknown: then the next look asks.
    retries = true;
    RowFailures.Decision decision = refused.decide(row, Failures.unwrapped(failure), own);
    if (decision.attempts() > 0) {
      long due = now() + decision.delay().toNanos();
      nextAttempt = nextAttempt - now() > 0 ? Math.min(nextAttempt, due) : due;
    }
    if (decision.parked()) {
      waiting.tellStopped();
      window.forgetWaiting(other -> waiting.isStopped(other.destination()));
    }
  }

  private void acknowledgeConfirmed() {
    window.acknowledged(confirmed.ended());
    if (!pace.isBusy() || confirmed.nanosToBegin() <= 0) {
      confirmed.begin(own, retries);
    }
  }

  private void promoteDelayed() {
    if (!own.owns(0) || now() - promoted < config.pollInterval().toNanos()) {
      return;
    }
    pulse.doing("moving delayed messages");
    int moved =
        transactions.run(
            "promote delayed",
            connection ->
                leases.fence(connection, own, 0)
                    ? tables.promoteDelayed(connection, config.batchSize())
                    : 0);
    more |= moved > 0;
    if (moved < config.batchSize()) {
      promoted = now();
    }
  }

  private boolean isDrained() {
    if (window.size() > 0 || !waiting.areReached() || !own.isSafe(now())) {
      return false;
    }
    Set<Integer> due =
        retries ? transactions.run("drain", tables::shardsWithAttemptsDue) : Set.of();
    return due.stream().noneMatch(own::owns);
  }

  private long nextLook() {
    long wait = waiting.nanosToNext(config.pollInterval().toNanos());
    long attempt = nextAttempt - now();
    return attempt > 0 ? Math.min(wait, attempt) : wait;
  }

  private void note(String failure) {
    state = new RelayState(window.size(), waiting.unreached(), failure);
  }

  private long now() {
    return runtime.time().nanoTime();
  }
}
