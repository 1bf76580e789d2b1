package io.commslib.saga;

import io.commslib.core.codec.Codec;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.saga.SagaInstance.Progress;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The sagas' SQL. Every update names the version it was decided on; a stale one changes nothing.
 */
final class SagaStore {

  /** A stored saga: identity, version, and the rest still as bytes. */
  record Stored(
      String id,
      String type,
      int defVersion,
      String businessKey,
      long version,
      Progress progress,
      byte[] data) {}

  private final JdbcDatabase database;
  private final Codec codec;
  private final String saga;
  private final String log;

  SagaStore(JdbcDatabase database, Codec codec) {
    this.database = database;
    this.codec = codec;
    this.saga = database.table("saga");
    this.log = database.table("saga_log");
  }

  /** Inserts a saga; false if one with its type and business key exists. */
  boolean insert(
      Connection connection,
      String id,
      SagaDefinition<?> definition,
      String businessKey,
      SagaInstance<?> instance)
      throws SQLException {
    String now = database.dialect().now();
    String sql =
        "INSERT INTO "
            + saga
            + " (id, type, def_version, business_key, status, current_step, attempt, steps, version,"
            + " data, wake_at, created_at, updated_at) SELECT ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, "
            + wakeExpression(instance.wakeIn())
            + ", "
            + now
            + ", "
            + now
            + " WHERE NOT EXISTS (SELECT 1 FROM "
            + saga
            + " WHERE type = ? AND business_key = ?)"
            + database.dialect().onConflictDoNothing();
    List<Object> parameters =
        new ArrayList<>(List.of(id, definition.name(), definition.version(), businessKey));
    addProgress(parameters, instance);
    addWake(parameters, instance.wakeIn());
    parameters.add(definition.name());
    parameters.add(businessKey);
    return update(connection, sql, parameters) == 1;
  }

  /** Writes what was decided on {@code stored}; false if it has changed since. */
  boolean update(Connection connection, Stored stored, SagaInstance<?> instance)
      throws SQLException {
    String sql =
        "UPDATE "
            + saga
            + " SET status = ?, current_step = ?, attempt = ?, steps = ?, data = ?, wake_at = "
            + wakeExpression(instance.wakeIn())
            + ", version = version + 1, updated_at = "
            + database.dialect().now()
            + " WHERE id = ? AND version = ?";
    List<Object> parameters = new ArrayList<>();
    addProgress(parameters, instance);
    addWake(parameters, instance.wakeIn());
    parameters.add(stored.id());
    parameters.add(stored.version());
    return update(connection, sql, parameters) == 1;
  }

  private String wakeExpression(@Nullable Duration wakeIn) {
    return wakeIn == null ? "NULL" : database.dialect().nowPlusMillis();
  }

  private static void addWake(List<Object> parameters, @Nullable Duration wakeIn) {
    if (wakeIn != null) {
      parameters.add(wakeIn.toMillis());
    }
  }

  private void addProgress(List<Object> parameters, SagaInstance<?> instance) {
    Progress progress = instance.progress();
    StringBuilder steps = new StringBuilder();
    progress
        .steps()
        .forEach((name, state) -> steps.append(name).append('=').append(state).append(';'));
    parameters.addAll(
        List.of(
            progress.status().name(),
            progress.step(),
            progress.attempt(),
            steps.toString(),
            codec.encode(java.util.Objects.requireNonNull(instance.state(), "state"))));
  }

  void append(
      Connection connection,
      String id,
      List<SagaDecision.LogLine> lines,
      @Nullable String actor,
      @Nullable String detail)
      throws SQLException {
    String sql =
        "INSERT INTO "
            + log
            + " (saga_id, at, kind, step, attempt, actor, detail) VALUES (?, "
            + database.dialect().now()
            + ", ?, ?, ?, ?, ?)";
    try (PreparedStatement insert = connection.prepareStatement(sql)) {
      for (SagaDecision.LogLine line : lines) {
        insert.setString(1, id);
        insert.setString(2, line.kind());
        insert.setString(3, line.step());
        insert.setInt(4, line.attempt());
        insert.setString(5, actor);
        insert.setString(6, detail);
        insert.addBatch();
      }
      insert.executeBatch();
    }
  }

  Optional<Stored> load(Connection connection, String id) throws SQLException {
    return one(connection, " WHERE id = ?", id);
  }

  Optional<String> findId(Connection connection, String type, String businessKey)
      throws SQLException {
    return one(connection, " WHERE type = ? AND business_key = ?", type, businessKey)
        .map(Stored::id);
  }

  private Optional<Stored> one(Connection connection, String where, String... parameters)
      throws SQLException {
    String sql =
        "SELECT id, type, def_version, business_key, version, status, current_step, attempt, steps, data FROM "
            + saga
            + where;
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      for (int i = 0; i < parameters.length; i++) {
        select.setString(i + 1, parameters[i]);
      }
      try (ResultSet row = select.executeQuery()) {
        if (!row.next()) {
          return Optional.empty();
        }
        Progress progress =
            progress(row.getString(6), row.getString(7), row.getInt(8), row.getString(9));
        return Optional.of(
            new Stored(
                row.getString(1),
                row.getString(2),
                row.getInt(3),
                row.getString(4),
                row.getLong(5),
                progress,
                row.getBytes(10)));
      }
    }
  }

  List<String> due(Connection connection, int limit) throws SQLException {
    List<String> ids = new ArrayList<>();
    try (PreparedStatement select =
            connection.prepareStatement(
                "SELECT id FROM "
                    + saga
                    + " WHERE wake_at <= "
                    + database.dialect().now()
                    + " ORDER BY wake_at LIMIT "
                    + limit);
        ResultSet rows = select.executeQuery()) {
      while (rows.next()) {
        ids.add(rows.getString(1));
      }
    }
    return ids;
  }

  /**
   * Whether the saga is due by the database's clock; asked again in the transaction that acts on
   * it.
   */
  boolean isDue(Connection connection, String id) throws SQLException {
    try (PreparedStatement select =
        connection.prepareStatement(
            "SELECT 1 FROM " + saga + " WHERE id = ? AND wake_at <= " + database.dialect().now())) {
      select.setString(1, id);
      try (ResultSet row = select.executeQuery()) {
        return row.next();
      }
    }
  }

  List<SagaSnapshot> snapshots(Connection connection, String where, int limit, String... parameters)
      throws SQLException {
    List<SagaSnapshot> found = new ArrayList<>();
    String sql =
        "SELECT id, business_key, status, current_step, attempt, steps, updated_at, wake_at FROM "
            + saga
            + " WHERE "
            + where
            + " ORDER BY updated_at LIMIT "
            + limit;
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      for (int i = 0; i < parameters.length; i++) {
        select.setString(i + 1, parameters[i]);
      }
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          Timestamp wakeAt = row.getTimestamp(8);
          found.add(
              new SagaSnapshot(
                  row.getString(1),
                  row.getString(2),
                  progress(row.getString(3), row.getString(4), row.getInt(5), row.getString(6)),
                  row.getTimestamp(7).toInstant(),
                  wakeAt == null ? null : wakeAt.toInstant()));
        }
      }
    }
    return found;
  }

  List<String> logOf(Connection connection, String id) throws SQLException {
    List<String> lines = new ArrayList<>();
    try (PreparedStatement select =
        connection.prepareStatement(
            "SELECT kind, step, attempt, actor, detail FROM "
                + log
                + " WHERE saga_id = ? ORDER BY seq")) {
      select.setString(1, id);
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          String actor = row.getString(4);
          lines.add(
              row.getString(1)
                  + " "
                  + row.getString(2)
                  + " "
                  + row.getInt(3)
                  + (actor == null ? "" : " by " + actor + ": " + row.getString(5)));
        }
      }
    }
    return lines;
  }

  /** Records a definition's fingerprint; returns the one on record. */
  String fingerprint(Connection connection, SagaDefinition<?> definition) throws SQLException {
    String table = database.table("saga_definition");
    update(
        connection,
        "INSERT INTO "
            + table
            + " SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM "
            + table
            + " WHERE type = ? AND def_version = ?)"
            + database.dialect().onConflictDoNothing(),
        List.of(
            definition.name(),
            definition.version(),
            definition.fingerprint(),
            definition.name(),
            definition.version()));
    try (PreparedStatement select =
        connection.prepareStatement(
            "SELECT fingerprint FROM " + table + " WHERE type = ? AND def_version = ?")) {
      select.setString(1, definition.name());
      select.setInt(2, definition.version());
      try (ResultSet row = select.executeQuery()) {
        row.next();
        return row.getString(1);
      }
    }
  }

  /** Definitions that live sagas need, as {@code name vN}. */
  List<String> liveDefinitions(Connection connection) throws SQLException {
    List<String> names = new ArrayList<>();
    try (PreparedStatement select =
            connection.prepareStatement(
                "SELECT DISTINCT type, def_version FROM " + saga + " WHERE wake_at IS NOT NULL");
        ResultSet rows = select.executeQuery()) {
      while (rows.next()) {
        names.add(rows.getString(1) + " v" + rows.getInt(2));
      }
    }
    return names;
  }

  private static Progress progress(String status, String step, int attempt, String steps) {
    Map<String, StepState> states = new LinkedHashMap<>();
    for (String entry : steps.split(";")) {
      int equals = entry.indexOf('=');
      if (equals > 0) {
        states.put(entry.substring(0, equals), StepState.valueOf(entry.substring(equals + 1)));
      }
    }
    return new Progress(SagaStatus.valueOf(status), step, attempt, states);
  }

  private static int update(Connection connection, String sql, List<Object> parameters)
      throws SQLException {
    try (PreparedStatement update = connection.prepareStatement(sql)) {
      for (int i = 0; i < parameters.size(); i++) {
        update.setObject(i + 1, parameters.get(i));
      }
      return update.executeUpdate();
    }
  }
}
