package io.commslib.spring;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** State that a user may leave behind on a connection, read in the way of each database. */
enum SessionState {
  H2 {
    @Override
    String id(Connection connection) throws SQLException {
      return text(connection, "SELECT SESSION_ID()");
    }

    @Override
    void kill(Connection observer, String id, Connection connection) throws SQLException {
      connection.close();
    }

    @Override
    void transaction(
        Connection connection, String id, Connection observer, Map<String, String> state)
        throws SQLException {
      state.put(
          "uncommitted",
          text(
              observer,
              "SELECT CONTAINS_UNCOMMITTED FROM INFORMATION_SCHEMA.SESSIONS WHERE SESSION_ID = ?",
              id));
      state.put(
          "locks",
          text(observer, "SELECT COUNT(*) FROM INFORMATION_SCHEMA.LOCKS WHERE SESSION_ID = ?", id));
    }

    @Override
    void settings(Connection connection, Map<String, String> state) throws SQLException {
      state.put("LOCK_TIMEOUT", text(connection, "CALL LOCK_TIMEOUT()"));
      rows(
          connection,
          "SELECT STATE_KEY, STATE_COMMAND FROM INFORMATION_SCHEMA.SESSION_STATE",
          state,
          Set.of());
    }
  },
  POSTGRESQL {
    @Override
    String id(Connection connection) throws SQLException {
      return text(connection, "SELECT pg_backend_pid()");
    }

    @Override
    void kill(Connection observer, String id, Connection connection) throws SQLException {
      text(observer, "SELECT pg_terminate_backend(?::int, 5000)", id);
    }

    @Override
    void transaction(
        Connection connection, String id, Connection observer, Map<String, String> state)
        throws SQLException {
      state.put(
          "server", text(observer, "SELECT state FROM pg_stat_activity WHERE pid = ?::int", id));
      state.put(
          "locks",
          text(
              observer,
              "SELECT count(*) FROM pg_locks WHERE pid = ?::int AND locktype = 'advisory'",
              id));
    }

    @Override
    void settings(Connection connection, Map<String, String> state) throws SQLException {
      rows(
          connection,
          "SELECT name, setting FROM pg_settings WHERE source = 'session'",
          state,
          // Set while any transaction runs.
          Set.of("transaction_isolation", "transaction_read_only", "transaction_deferrable"));
      state.put("lock_timeout", text(connection, "SHOW lock_timeout"));
      state.put(
          "channels",
          text(connection, "SELECT array_agg(c)::text FROM pg_listening_channels() AS c"));
    }
  },
  MARIADB {
    @Override
    String id(Connection connection) throws SQLException {
      return text(connection, "SELECT connection_id()");
    }

    @Override
    void kill(Connection observer, String id, Connection connection) throws SQLException {
      try (Statement kill = observer.createStatement()) {
        kill.execute("KILL " + id);
      }
    }

    @Override
    void transaction(
        Connection connection, String id, Connection observer, Map<String, String> state)
        throws SQLException {
      // The server's view of transactions is up to 0.1 s old.
      state.put("transactions", text(connection, "SELECT @@in_transaction"));
      state.put("user locks", text(observer, "SELECT is_used_lock('commslib_schema')"));
    }

    @Override
    void settings(Connection connection, Map<String, String> state) throws SQLException {
      rows(
          connection,
          "SHOW SESSION VARIABLES WHERE Variable_name IN (" + CHANGEABLE + ")",
          state,
          Set.of());
    }
  };

  private static final Set<Object> OPEN = Set.of("TRUE", "idle in transaction", "1");

  /** Settings that a statement can change for later statements of the session. */
  private static final String CHANGEABLE =
      List.of(
              "autocommit",
              "tx_isolation",
              "transaction_isolation",
              "tx_read_only",
              "transaction_read_only",
              "sql_mode",
              "time_zone",
              "innodb_lock_wait_timeout",
              "lock_wait_timeout",
              "max_statement_time",
              "idle_transaction_timeout",
              "wait_timeout",
              "net_read_timeout",
              "net_write_timeout",
              "character_set_client",
              "character_set_connection",
              "character_set_results",
              "collation_connection",
              "foreign_key_checks",
              "unique_checks",
              "sql_safe_updates",
              "sql_select_limit",
              "group_concat_max_len",
              "sql_log_bin",
              "storage_engine")
          .stream()
          .collect(Collectors.joining("', '", "'", "'"));

  /** Returns the id of the session for other sessions. */
  abstract String id(Connection connection) throws SQLException;

  /** Ends the session from outside. */
  abstract void kill(Connection observer, String id, Connection connection) throws SQLException;

  /** Reads whether a transaction is open and which locks are held, without beginning one. */
  abstract void transaction(
      Connection connection, String id, Connection observer, Map<String, String> state)
      throws SQLException;

  /** Reads the session's settings, inside a transaction or not. */
  abstract void settings(Connection connection, Map<String, String> state) throws SQLException;

  /** Reads the whole state, and ends the transaction that the reading itself has begun. */
  Map<String, String> read(Connection connection, String id, Connection observer)
      throws SQLException {
    Map<String, String> state = new TreeMap<>();
    transaction(connection, id, observer, state);
    boolean autoCommit = connection.getAutoCommit();
    state.put("autoCommit", Boolean.toString(autoCommit));
    state.put("isolation", Integer.toString(connection.getTransactionIsolation()));
    state.put("readOnly", Boolean.toString(connection.isReadOnly()));
    state.put("schema", String.valueOf(connection.getSchema()));
    state.put("catalog", String.valueOf(connection.getCatalog()));
    state.put("holdability", Integer.toString(connection.getHoldability()));
    state.put("networkTimeout", Integer.toString(connection.getNetworkTimeout()));
    state.put("clientInfo", String.valueOf(connection.getClientInfo()));
    settings(connection, state);
    // A transaction that was open before stays open for the next borrower.
    boolean wasOpen =
        OPEN.contains(state.getOrDefault("uncommitted", ""))
            || OPEN.contains(state.getOrDefault("server", ""))
            || OPEN.contains(state.getOrDefault("transactions", ""));
    if (!autoCommit && !wasOpen) {
      connection.rollback();
    }
    return state;
  }

  Map<String, String> settings(Connection connection) throws SQLException {
    Map<String, String> state = new TreeMap<>();
    settings(connection, state);
    return state;
  }

  /** Returns the differences as text. */
  static List<String> differences(Map<String, String> before, Map<String, String> after) {
    Set<String> names = new TreeSet<>(before.keySet());
    names.addAll(after.keySet());
    return names.stream()
        .filter(name -> !String.valueOf(before.get(name)).equals(String.valueOf(after.get(name))))
        .map(name -> name + ": " + before.get(name) + " -> " + after.get(name))
        .toList();
  }

  private static String text(Connection connection, String sql, String... parameters)
      throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      for (int i = 0; i < parameters.length; i++) {
        select.setString(i + 1, parameters[i]);
      }
      try (ResultSet row = select.executeQuery()) {
        return row.next() ? String.valueOf(row.getString(1)) : "none";
      }
    }
  }

  private static void rows(
      Connection connection, String sql, Map<String, String> into, Set<String> except)
      throws SQLException {
    try (Statement select = connection.createStatement();
        ResultSet row = select.executeQuery(sql)) {
      while (row.next()) {
        if (!except.contains(row.getString(1))) {
          into.put(row.getString(1), String.valueOf(row.getString(2)));
        }
      }
    }
  }
}
