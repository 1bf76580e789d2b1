package io.commslib.saga;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import io.commslib.jdbc.SqlErrors;
import io.commslib.saga.Decision.LogLine;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The sagas' SQL. Every write of a saga names the version it was decided on and raises it; a stale
 * one changes nothing. Time is the database's.
 */
final class SagaStore {

  /**
   * A saga this process may wake: no other has it until the lease ends or the version moves.
   *
   * @param abandoned whether the one who had claimed it before has neither moved it nor given it
   *     back
   */
  record Claimed(String id, long version, boolean isAbandoned) {}

  /**
   * A name and version of a definition with overdue sagas.
   *
   * @param failing how many of them could not be woken and are woken again
   */
  record OverdueCount(String type, int version, long count, long failing, Duration age) {}

  private static final String COLUMNS =
      "id, type, def_version, business_key, status, steps, version, data, wake_at, updated_at, ";

  private final SqlDialect dialect;
  private final String now;
  private final String saga;
  private final String log;
  private final String definitions;

  SagaStore(JdbcDatabase database) {
    this.dialect = database.dialect();
    this.now = dialect.now();
    this.saga = database.table("saga");
    this.log = database.table("saga_log");
    this.definitions = database.table("saga_definition");
  }

  /**
   * Inserts a saga; false if one of its type and business key exists.
   *
   * @param wakeIn from the database's now
   */
  boolean insert(
      Connection connection,
      SagaDefinition<?> definition,
      Instance<?> instance,
      byte[] data,
      Duration wakeIn)
      throws SQLException {
    String sql =
        "INSERT INTO "
            + saga
            + " (id, type, def_version, business_key, status, current_step, steps, version, data,"
            + " wake_at, created_at, updated_at) SELECT ?, ?, ?, ?, ?, ?, ?, 1, ?, "
            + dialect.nowPlusMillis()
            + ", "
            + now
            + ", "
            + now
            + " WHERE NOT EXISTS (SELECT 1 FROM "
            + saga
            + " WHERE type = ? AND business_key = ?)"
            + dialect.onConflictDoNothing();
    String steps = StoredSaga.formatSteps(definition.stepNames(), instance.steps());
    try {
      return update(
              connection,
              sql,
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

  /** Writes what was decided on {@code before}; false if it has changed since. */
  boolean update(
      Connection connection,
      StoredSaga before,
      SagaDefinition<?> definition,
      Instance<?> next,
      byte[] data)
      throws SQLException {
    String steps = StoredSaga.formatSteps(definition.stepNames(), next.steps());
    return update(
            connection,
            "UPDATE "
                + saga
                + " SET status = ?, current_step = ?, steps = ?, data = ?, wake_at = ?,"
                + " lease_owner = NULL, lease_until = NULL, version = version + 1, updated_at = "
                + now
                + " WHERE id = ? AND version = ?",
            next.status().name(),
            next.status().isAtRest() && next.status() != SagaStatus.PARKED
                ? ""
                : StoredSaga.awaitedStep(StoredSaga.parseSteps(steps)),
            steps,
            data,
            utc(next.wakeAt()),
            before.id(),
            before.version())
        == 1;
  }

  /** Parks a saga whose definition can't be asked; its steps and state stay as they are. */
  void park(Connection connection, StoredSaga before, String reason) throws SQLException {
    int parked =
        update(
            connection,
            "UPDATE "
                + saga
                + " SET status = 'PARKED', wake_at = NULL, lease_owner = NULL, lease_until = NULL,"
                + " version = version + 1, updated_at = "
                + now
                + " WHERE id = ? AND version = ?",
            before.id(),
            before.version());
    if (parked == 1) {
      append(
          connection,
          before.id(),
          List.of(new LogLine(SagaLogEntry.Kind.PARKED, "", 0, "", reason)));
    }
  }

  void append(Connection connection, String id, List<LogLine> lines) throws SQLException {
    String sql =
        "INSERT INTO "
            + log
            + " (saga_id, at, kind, step, attempt, actor, detail) VALUES (?, "
            + now
            + ", ?, ?, ?, ?, ?)";
    try (PreparedStatement insert = connection.prepareStatement(sql)) {
      for (LogLine line : lines) {
        insert.setString(1, id);
        insert.setString(2, line.kind().name());
        insert.setString(3, line.step());
        insert.setInt(4, line.attempt());
        insert.setString(5, line.actor());
        insert.setString(6, line.detail());
        insert.addBatch();
      }
      insert.executeBatch();
    }
  }

  Optional<StoredSaga> load(Connection connection, String id) throws SQLException {
    return select(connection, "id = ?", 1, id).stream().findFirst();
  }

  Optional<StoredSaga> find(Connection connection, String type, String businessKey)
      throws SQLException {
    return select(connection, "type = ? AND business_key = ?", 1, type, businessKey).stream()
        .findFirst();
  }

  /** Sagas of a status, least recently changed first. */
  List<StoredSaga> list(Connection connection, SagaStatus status, int limit) throws SQLException {
    return select(connection, "status = ?", limit, status.name());
  }

  private List<StoredSaga> select(
      Connection connection, String where, int limit, Object... parameters) throws SQLException {
    String sql =
        "SELECT "
            + COLUMNS
            + now
            + " FROM "
            + saga
            + " WHERE "
            + where
            + (limit == 1 ? "" : " ORDER BY updated_at, id LIMIT " + limit);
    List<StoredSaga> found = new ArrayList<>();
    try (PreparedStatement select = prepare(connection, sql, parameters);
        ResultSet row = select.executeQuery()) {
      while (row.next()) {
        found.add(read(row));
      }
    }
    return found;
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

  /**
   * Takes overdue sagas of the given definitions that nobody holds, longest overdue first. The
   * raised version is the fence: a holder of an older claim can't write any more.
   */
  List<Claimed> claim(
      Connection connection,
      Collection<SagaDefinition<?>> known,
      int limit,
      String owner,
      Duration lease)
      throws SQLException {
    List<Object> parameters = new ArrayList<>();
    List<String> types = new ArrayList<>();
    for (SagaDefinition<?> definition : known) {
      types.add("type = ? AND def_version = ?");
      parameters.add(definition.name());
      parameters.add(definition.version());
    }
    String sql =
        "SELECT id, version, lease_owner FROM "
            + saga
            + " WHERE wake_at <= "
            + now
            + " AND (lease_until IS NULL OR lease_until < "
            + now
            + ") AND ("
            + String.join(" OR ", types)
            + ") ORDER BY wake_at LIMIT "
            + limit
            + " FOR UPDATE SKIP LOCKED";
    List<Claimed> claimed = new ArrayList<>();
    try (PreparedStatement select = prepare(connection, sql, parameters.toArray());
        ResultSet row = select.executeQuery()) {
      while (row.next()) {
        boolean abandoned = row.getString(3) != null;
        claimed.add(new Claimed(row.getString(1), row.getLong(2) + 1, abandoned));
      }
    }
    lease(connection, claimed, owner, lease);
    return claimed;
  }

  private void lease(Connection connection, List<Claimed> claimed, String owner, Duration lease)
      throws SQLException {
    String sql =
        "UPDATE "
            + saga
            + " SET version = version + 1, lease_owner = ?, lease_until = "
            + dialect.nowPlusMillis()
            + " WHERE id = ?";
    try (PreparedStatement update = connection.prepareStatement(sql)) {
      for (Claimed one : claimed) {
        update.setString(1, owner);
        update.setLong(2, lease.toMillis());
        update.setString(3, one.id());
        update.addBatch();
      }
      if (!claimed.isEmpty()) {
        update.executeBatch();
      }
    }
  }

  /** Gives a claim back unused. */
  void release(Connection connection, Claimed claim) throws SQLException {
    update(
        connection,
        "UPDATE "
            + saga
            + " SET lease_owner = NULL, lease_until = NULL WHERE id = ? AND version = ?",
        claim.id(),
        claim.version());
  }

  /** Gives a claim back that failed: it can be claimed again after a while. */
  boolean postpone(Connection connection, Claimed claim, Duration wait) throws SQLException {
    return update(
            connection,
            "UPDATE "
                + saga
                + " SET lease_owner = NULL, lease_until = "
                + dialect.nowPlusMillis()
                + " WHERE id = ? AND version = ?",
            wait.toMillis(),
            claim.id(),
            claim.version())
        == 1;
  }

  /** Begins the lease of a claim anew; false if the saga has been moved since. */
  boolean renew(Connection connection, Claimed claim, Duration lease) throws SQLException {
    return update(
            connection,
            "UPDATE "
                + saga
                + " SET lease_until = "
                + dialect.nowPlusMillis()
                + " WHERE id = ? AND version = ?",
            lease.toMillis(),
            claim.id(),
            claim.version())
        == 1;
  }

  /** The number of failed wake-ups in the history since the saga was last moved. */
  int failures(Connection connection, String id) throws SQLException {
    String failed = "'" + SagaLogEntry.Kind.FAILED + "'";
    String sql =
        "SELECT count(*) FROM "
            + log
            + " WHERE saga_id = ? AND kind = "
            + failed
            + " AND seq > (SELECT coalesce(max(seq), 0) FROM "
            + log
            + " WHERE saga_id = ? AND kind <> "
            + failed
            + ")";
    try (PreparedStatement select = prepare(connection, sql, id, id);
        ResultSet row = select.executeQuery()) {
      row.next();
      return row.getInt(1);
    }
  }

  /** What is overdue now, by definition, whoever knows it. */
  List<OverdueCount> overdue(Connection connection) throws SQLException {
    String sql =
        "SELECT type, def_version, count(*), min(wake_at), "
            + now
            + ", sum(CASE WHEN lease_owner IS NULL AND lease_until IS NOT NULL THEN 1 ELSE 0 END)"
            + " FROM "
            + saga
            + " WHERE wake_at <= "
            + now
            + " GROUP BY type, def_version";
    List<OverdueCount> found = new ArrayList<>();
    try (PreparedStatement select = connection.prepareStatement(sql);
        ResultSet row = select.executeQuery()) {
      while (row.next()) {
        Duration age =
            Duration.between(
                row.getObject(4, OffsetDateTime.class), row.getObject(5, OffsetDateTime.class));
        found.add(
            new OverdueCount(row.getString(1), row.getInt(2), row.getLong(3), row.getLong(6), age));
      }
    }
    return found;
  }

  long count(Connection connection, SagaStatus status) throws SQLException {
    try (PreparedStatement select =
            prepare(
                connection, "SELECT count(*) FROM " + saga + " WHERE status = ?", status.name());
        ResultSet row = select.executeQuery()) {
      row.next();
      return row.getLong(1);
    }
  }

  List<SagaLogEntry> history(Connection connection, String id) throws SQLException {
    String sql =
        "SELECT at, kind, step, attempt, actor, detail FROM "
            + log
            + " WHERE saga_id = ? ORDER BY seq";
    List<SagaLogEntry> entries = new ArrayList<>();
    try (PreparedStatement select = prepare(connection, sql, id);
        ResultSet row = select.executeQuery()) {
      while (row.next()) {
        entries.add(
            new SagaLogEntry(
                row.getObject(1, OffsetDateTime.class).toInstant(),
                SagaLogEntry.Kind.valueOf(row.getString(2)),
                row.getString(3),
                row.getInt(4),
                row.getString(5),
                row.getString(6)));
      }
    }
    return entries;
  }

  /** Removes ended sagas that have not changed for {@code age}, with their history. */
  int purge(Connection connection, Duration age, int limit) throws SQLException {
    String sql =
        "SELECT id FROM "
            + saga
            + " WHERE status IN ('COMPLETED', 'COMPENSATED') AND updated_at < "
            + dialect.nowPlusMillis()
            + " ORDER BY updated_at LIMIT "
            + limit
            + " FOR UPDATE SKIP LOCKED";
    List<String> ids = new ArrayList<>();
    try (PreparedStatement select = prepare(connection, sql, -age.toMillis());
        ResultSet row = select.executeQuery()) {
      while (row.next()) {
        ids.add(row.getString(1));
      }
    }
    for (String table : List.of(log, saga)) {
      String column = table.equals(log) ? "saga_id" : "id";
      try (PreparedStatement delete =
          connection.prepareStatement("DELETE FROM " + table + " WHERE " + column + " = ?")) {
        for (String id : ids) {
          delete.setString(1, id);
          delete.addBatch();
        }
        delete.executeBatch();
      }
    }
    return ids.size();
  }

  /** Records a definition's structure unless there is one; returns the one on record. */
  String recordedStructure(Connection connection, SagaDefinition<?> definition)
      throws SQLException {
    try {
      update(
          connection,
          "INSERT INTO "
              + definitions
              + " (type, def_version, structure) SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM "
              + definitions
              + " WHERE type = ? AND def_version = ?)"
              + dialect.onConflictDoNothing(),
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
    try (PreparedStatement select =
            prepare(
                connection,
                "SELECT structure FROM " + definitions + " WHERE type = ? AND def_version = ?",
                definition.name(),
                definition.version());
        ResultSet row = select.executeQuery()) {
      row.next();
      return row.getString(1);
    }
  }

  private static int update(Connection connection, String sql, @Nullable Object... parameters)
      throws SQLException {
    try (PreparedStatement update = prepare(connection, sql, parameters)) {
      return update.executeUpdate();
    }
  }

  private static PreparedStatement prepare(
      Connection connection, String sql, @Nullable Object... parameters) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    for (int i = 0; i < parameters.length; i++) {
      Object value = parameters[i];
      if (value instanceof byte[] bytes) {
        statement.setBytes(i + 1, bytes);
      } else if (value == null) {
        statement.setNull(i + 1, java.sql.Types.TIMESTAMP_WITH_TIMEZONE);
      } else {
        statement.setObject(i + 1, value);
      }
    }
    return statement;
  }

  private static @Nullable OffsetDateTime utc(@Nullable Instant instant) {
    return instant == null ? null : instant.atOffset(ZoneOffset.UTC);
  }
}
