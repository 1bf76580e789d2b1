package io.commslib.saga;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import io.commslib.jdbc.SqlErrors;
import io.commslib.jdbc.SqlStatement;
import io.commslib.saga.Decision.LogLine;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * SQL of the sagas. Every write of a saga names the version on which it was decided and raises it;
 * a stale write changes nothing. Times are the database's.
 */
final class SagaStore {

  /**
   * A saga that this process may wake: no other process may until the lease ends or the version
   * changes.
   *
   * @param isAbandoned whether the previous owner of a claim has neither changed nor released it
   */
  record Claimed(String id, long version, boolean isAbandoned) {}

  /**
   * Overdue sagas of one version of a definition.
   *
   * @param failing number of sagas that could not be woken and are woken again
   * @param age time for which the oldest one has been overdue
   */
  record OverdueCount(String type, int version, long count, long failing, Duration age) {}

  private static final String INSERT =
      """
      INSERT INTO @saga
        (id, type, def_version, business_key, status, current_step, steps, version, data,
        wake_at, created_at, updated_at)
      SELECT ?, ?, ?, ?, ?, ?, ?, 1, ?, {nowPlusMillis}, {now}, {now}
      WHERE NOT EXISTS (SELECT 1 FROM @saga WHERE type = ? AND business_key = ?){onConflict}
      """;

  private static final String UPDATE =
      """
      UPDATE @saga
      SET status = ?, current_step = ?, steps = ?, data = ?, wake_at = ?,
        lease_owner = NULL, lease_until = NULL, version = version + 1, updated_at = {now}
      WHERE id = ? AND version = ?
      """;

  private static final String PARK =
      """
      UPDATE @saga
      SET status = 'PARKED', wake_at = NULL,
        lease_owner = NULL, lease_until = NULL, version = version + 1, updated_at = {now}
      WHERE id = ? AND version = ?
      """;

  private static final String APPEND =
      """
      INSERT INTO @saga_log (saga_id, at, kind, step, attempt, actor, detail)
      VALUES (?, {now}, ?, ?, ?, ?, ?)
      """;

  private static final String SELECT =
      """
      SELECT id, type, def_version, business_key, status, steps, version, data, wake_at, updated_at,
        {now}
      FROM @saga
      """;

  private static final String SELECT_DUE =
      """
      SELECT id, version, lease_owner FROM @saga
      WHERE wake_at <= {now} AND (lease_until IS NULL OR lease_until < {now}) AND ({definitions})
      ORDER BY wake_at LIMIT {limit} FOR UPDATE SKIP LOCKED
      """;

  /** The raised version is the fence: the owner of an older claim can no longer write. */
  private static final String LEASE =
      """
      UPDATE @saga
      SET version = version + 1, lease_owner = ?, lease_until = {nowPlusMillis}
      WHERE id = ?
      """;

  private static final String RELEASE =
      """
      UPDATE @saga SET lease_owner = NULL, lease_until = NULL
      WHERE id = ? AND version = ?
      """;

  private static final String POSTPONE =
      """
      UPDATE @saga SET lease_owner = NULL, lease_until = {nowPlusMillis}
      WHERE id = ? AND version = ?
      """;

  private static final String RENEW =
      """
      UPDATE @saga SET lease_until = {nowPlusMillis}
      WHERE id = ? AND version = ?
      """;

  private static final String COUNT_FAILURES =
      """
      SELECT count(*) FROM @saga_log
      WHERE saga_id = ? AND kind = 'FAILED'
        AND seq > (SELECT coalesce(max(seq), 0) FROM @saga_log
          WHERE saga_id = ? AND kind <> 'FAILED')
      """;

  /** A saga that failed has a lease without an owner. */
  private static final String COUNT_OVERDUE =
      """
      SELECT type, def_version, count(*), min(wake_at), {now},
        sum(CASE WHEN lease_owner IS NULL AND lease_until IS NOT NULL THEN 1 ELSE 0 END)
      FROM @saga WHERE wake_at <= {now}
      GROUP BY type, def_version
      """;

  private static final String COUNT_BY_STATUS = "SELECT count(*) FROM @saga WHERE status = ?";

  private static final String HISTORY =
      """
      SELECT at, kind, step, attempt, actor, detail FROM @saga_log
      WHERE saga_id = ? ORDER BY seq
      """;

  private static final String SELECT_EXPIRED =
      """
      SELECT id FROM @saga
      WHERE status IN ('COMPLETED', 'COMPENSATED') AND updated_at < {nowPlusMillis}
      ORDER BY updated_at LIMIT {limit} FOR UPDATE SKIP LOCKED
      """;

  private static final String DELETE_HISTORY = "DELETE FROM @saga_log WHERE saga_id = ?";

  private static final String DELETE = "DELETE FROM @saga WHERE id = ?";

  private static final String INSERT_DEFINITION =
      """
      INSERT INTO @saga_definition (type, def_version, structure)
      SELECT ?, ?, ?
      WHERE NOT EXISTS
        (SELECT 1 FROM @saga_definition WHERE type = ? AND def_version = ?){onConflict}
      """;

  private static final String SELECT_DEFINITION =
      "SELECT structure FROM @saga_definition WHERE type = ? AND def_version = ?";

  private final SqlStatement insert;
  private final SqlStatement update;
  private final SqlStatement park;
  private final SqlStatement append;
  private final SqlStatement selectById;
  private final SqlStatement selectByKey;
  private final SqlStatement selectByStatus;
  private final SqlStatement selectDue;
  private final SqlStatement lease;
  private final SqlStatement release;
  private final SqlStatement postpone;
  private final SqlStatement renew;
  private final SqlStatement countFailures;
  private final SqlStatement countOverdue;
  private final SqlStatement countByStatus;
  private final SqlStatement history;
  private final SqlStatement selectExpired;
  private final SqlStatement deleteHistory;
  private final SqlStatement delete;
  private final SqlStatement insertDefinition;
  private final SqlStatement selectDefinition;

  SagaStore(JdbcDatabase database) {
    this.insert = statement(database, INSERT);
    this.update = statement(database, UPDATE);
    this.park = statement(database, PARK);
    this.append = statement(database, APPEND);
    this.selectById = statement(database, SELECT + "WHERE id = ?");
    this.selectByKey = statement(database, SELECT + "WHERE type = ? AND business_key = ?");
    this.selectByStatus =
        statement(database, SELECT + "WHERE status = ? ORDER BY updated_at, id LIMIT {limit}");
    this.selectDue = statement(database, SELECT_DUE);
    this.lease = statement(database, LEASE);
    this.release = statement(database, RELEASE);
    this.postpone = statement(database, POSTPONE);
    this.renew = statement(database, RENEW);
    this.countFailures = statement(database, COUNT_FAILURES);
    this.countOverdue = statement(database, COUNT_OVERDUE);
    this.countByStatus = statement(database, COUNT_BY_STATUS);
    this.history = statement(database, HISTORY);
    this.selectExpired = statement(database, SELECT_EXPIRED);
    this.deleteHistory = statement(database, DELETE_HISTORY);
    this.delete = statement(database, DELETE);
    this.insertDefinition = statement(database, INSERT_DEFINITION);
    this.selectDefinition = statement(database, SELECT_DEFINITION);
  }

  private static SqlStatement statement(JdbcDatabase database, String template) {
    SqlDialect dialect = database.dialect();
    return SqlStatement.of(database, template)
        .with("nowPlusMillis", dialect.nowPlusMillis())
        .with("onConflict", dialect.onConflictDoNothing());
  }

  /**
   * Inserts a saga; returns false if one of its type and business key exists.
   *
   * @param wakeIn time from the database's now to the wake-up
   */
  boolean insert(
      Connection connection,
      SagaDefinition<?> definition,
      Instance<?> instance,
      byte[] data,
      Duration wakeIn)
      throws SQLException {
    String steps = StoredSaga.formatSteps(definition.stepNames(), instance.steps());
    try {
      return insert.update(
              connection,
              instance.id(),
              definition.name(),
              definition.version(),
              instance.businessKey(),
              instance.status().name(),
              StoredSaga.awaitedStep(StoredSaga.parseSteps(steps)),
              steps,
              data,
              wakeIn.toMillis(),
              definition.name(),
              instance.businessKey())
          == 1;
    } catch (SQLException e) {
      if (SqlErrors.isDuplicateKey(e)) {
        return false;
      }
      throw e;
    }
  }

  /** Writes what was decided on {@code before}; returns false if the saga has changed since. */
  boolean update(
      Connection connection,
      StoredSaga before,
      SagaDefinition<?> definition,
      Instance<?> next,
      byte[] data)
      throws SQLException {
    String steps = StoredSaga.formatSteps(definition.stepNames(), next.steps());
    boolean isEnded = next.status().isAtRest() && next.status() != SagaStatus.PARKED;
    return update.update(
            connection,
            next.status().name(),
            isEnded ? "" : StoredSaga.awaitedStep(StoredSaga.parseSteps(steps)),
            steps,
            data,
            utc(next.wakeAt()),
            before.id(),
            before.version())
        == 1;
  }

  /** Parks a saga whose definition can't decide; its steps and state stay unchanged. */
  void park(Connection connection, StoredSaga before, String reason) throws SQLException {
    if (park.update(connection, before.id(), before.version()) == 1) {
      append(
          connection,
          before.id(),
          List.of(new LogLine(SagaLogEntry.Kind.PARKED, "", 0, "", reason)));
    }
  }

  void append(Connection connection, String id, List<LogLine> lines) throws SQLException {
    List<@Nullable Object[]> rows = new ArrayList<>();
    for (LogLine line : lines) {
      rows.add(
          new Object[] {
            id, line.kind().name(), line.step(), line.attempt(), line.actor(), line.detail()
          });
    }
    append.batch(connection, rows);
  }

  Optional<StoredSaga> load(Connection connection, String id) throws SQLException {
    return Optional.ofNullable(selectById.one(connection, SagaStore::read, id));
  }

  Optional<StoredSaga> find(Connection connection, String type, String businessKey)
      throws SQLException {
    return Optional.ofNullable(selectByKey.one(connection, SagaStore::read, type, businessKey));
  }

  /** Returns the sagas with a status, least recently changed first. */
  List<StoredSaga> list(Connection connection, SagaStatus status, int limit) throws SQLException {
    return selectByStatus
        .with("limit", Integer.toString(limit))
        .list(connection, SagaStore::read, status.name());
  }

  private static StoredSaga read(ResultSet row) throws SQLException {
    OffsetDateTime wakeAt = row.getObject(9, OffsetDateTime.class);
    return new StoredSaga(
        row.getString(1),
        row.getString(2),
        row.getInt(3),
        row.getString(4),
        SagaStatus.valueOf(row.getString(5)),
        StoredSaga.parseSteps(row.getString(6)),
        row.getLong(7),
        row.getBytes(8),
        wakeAt == null ? null : wakeAt.toInstant(),
        row.getObject(10, OffsetDateTime.class).toInstant(),
        row.getObject(11, OffsetDateTime.class).toInstant());
  }

  /** Claims overdue sagas of the given definitions that are not leased, longest overdue first. */
  List<Claimed> claim(
      Connection connection,
      Collection<SagaDefinition<?>> known,
      int limit,
      String owner,
      Duration lease)
      throws SQLException {
    List<Object> parameters = new ArrayList<>();
    for (SagaDefinition<?> definition : known) {
      parameters.add(definition.name());
      parameters.add(definition.version());
    }
    String definitions =
        String.join(" OR ", Collections.nCopies(known.size(), "type = ? AND def_version = ?"));
    List<Claimed> claimed =
        selectDue
            .with("definitions", definitions)
            .with("limit", Integer.toString(limit))
            .list(connection, SagaStore::readClaim, parameters.toArray());
    List<@Nullable Object[]> rows = new ArrayList<>();
    for (Claimed claim : claimed) {
      rows.add(new Object[] {owner, lease.toMillis(), claim.id()});
    }
    this.lease.batch(connection, rows);
    return claimed;
  }

  private static Claimed readClaim(ResultSet row) throws SQLException {
    boolean isAbandoned = row.getString(3) != null;
    return new Claimed(row.getString(1), row.getLong(2) + 1, isAbandoned);
  }

  /** Releases a claim: the saga can be claimed again immediately. */
  void release(Connection connection, Claimed claim) throws SQLException {
    release.update(connection, claim.id(), claim.version());
  }

  /**
   * Releases a claim whose wake-up failed: the saga can be claimed again after a wait. Returns
   * false if the saga has changed since.
   */
  boolean postpone(Connection connection, Claimed claim, Duration wait) throws SQLException {
    return postpone.update(connection, wait.toMillis(), claim.id(), claim.version()) == 1;
  }

  /** Restarts the lease of a claim; returns false if the saga has changed since. */
  boolean renew(Connection connection, Claimed claim, Duration lease) throws SQLException {
    return renew.update(connection, lease.toMillis(), claim.id(), claim.version()) == 1;
  }

  /** Returns the number of failed wake-ups in the history since the saga's last transition. */
  int failures(Connection connection, String id) throws SQLException {
    return (int) countFailures.number(connection, id, id);
  }

  /**
   * Counts the overdue sagas by definition, also of definitions that this process does not have.
   */
  List<OverdueCount> overdue(Connection connection) throws SQLException {
    return countOverdue.list(connection, SagaStore::readOverdue);
  }

  private static OverdueCount readOverdue(ResultSet row) throws SQLException {
    Duration age =
        Duration.between(
            row.getObject(4, OffsetDateTime.class), row.getObject(5, OffsetDateTime.class));
    return new OverdueCount(row.getString(1), row.getInt(2), row.getLong(3), row.getLong(6), age);
  }

  long count(Connection connection, SagaStatus status) throws SQLException {
    return countByStatus.number(connection, status.name());
  }

  List<SagaLogEntry> history(Connection connection, String id) throws SQLException {
    return history.list(connection, SagaStore::readLogEntry, id);
  }

  private static SagaLogEntry readLogEntry(ResultSet row) throws SQLException {
    return new SagaLogEntry(
        row.getObject(1, OffsetDateTime.class).toInstant(),
        SagaLogEntry.Kind.valueOf(row.getString(2)),
        row.getString(3),
        row.getInt(4),
        row.getString(5),
        row.getString(6));
  }

  /** Deletes ended sagas that have not changed for {@code age}, with their history. */
  int purge(Connection connection, Duration age, int limit) throws SQLException {
    List<@Nullable Object[]> ids =
        selectExpired
            .with("limit", Integer.toString(limit))
            .list(connection, row -> new Object[] {row.getString(1)}, -age.toMillis());
    deleteHistory.batch(connection, ids);
    delete.batch(connection, ids);
    return ids.size();
  }

  /** Stores a definition's structure unless one is stored; returns the stored one. */
  String recordedStructure(Connection connection, SagaDefinition<?> definition)
      throws SQLException {
    try {
      insertDefinition.update(
          connection,
          definition.name(),
          definition.version(),
          definition.structure(),
          definition.name(),
          definition.version());
    } catch (SQLException e) {
      if (!SqlErrors.isDuplicateKey(e)) {
        throw e;
      }
    }
    String stored =
        selectDefinition.one(
            connection, row -> row.getString(1), definition.name(), definition.version());
    if (stored == null) {
      throw new SQLException("no structure of saga " + definition.id());
    }
    return stored;
  }

  private static @Nullable OffsetDateTime utc(@Nullable Instant instant) {
    return instant == null ? null : instant.atOffset(ZoneOffset.UTC);
  }
}
