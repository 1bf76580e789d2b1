package io.commslib.benchmarks.chaos;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.testkit.history.MessageTrace;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The application's own tables: the messages it committed and the effects of its consumers. A run
 * is judged by them.
 */
public final class ChaosTables {

  private final JdbcDatabase database;
  private final String order;
  private final String effect;

  /** Creates access to the tables of a database. */
  public ChaosTables(JdbcDatabase database) {
    this.database = database;
    this.order = database.table("chaos_order");
    this.effect = database.table("chaos_effect");
  }

  /** Creates the tables. */
  public void create() throws SQLException {
    String number =
        database.dialect().isMySql()
            ? "n bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, "
            : "n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ";
    String what =
        "id varchar(120) NOT NULL, writer varchar(40) NOT NULL, msg_key varchar(80) NOT NULL,"
            + " seq bigint NOT NULL";
    execute("CREATE TABLE " + order + " (" + number + what + ", UNIQUE (id))");
    // No unique id here: a second effect must be detected, not prevented.
    execute(
        "CREATE TABLE " + effect + " (" + number + "consumer varchar(40) NOT NULL, " + what + ")");
  }

  /** Runs a statement. */
  public void execute(String sql) throws SQLException {
    try (Connection connection = database.dataSource().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** Inserts the messages that are about to be sent. */
  public void insertOrders(Connection connection, List<MessageTrace> traces) throws SQLException {
    try (PreparedStatement insert =
        connection.prepareStatement(
            "INSERT INTO " + order + " (id, writer, msg_key, seq) VALUES (?, ?, ?, ?)")) {
      for (MessageTrace trace : traces) {
        bind(insert, 1, trace);
        insert.addBatch();
      }
      insert.executeBatch();
    }
  }

  /** Inserts the effect of a message. */
  public void insertEffect(Connection connection, String consumer, MessageTrace trace)
      throws SQLException {
    try (PreparedStatement insert =
        connection.prepareStatement(
            "INSERT INTO "
                + effect
                + " (consumer, id, writer, msg_key, seq) VALUES (?, ?, ?, ?, ?)")) {
      insert.setString(1, consumer);
      bind(insert, 2, trace);
      insert.executeUpdate();
    }
  }

  private static void bind(PreparedStatement insert, int first, MessageTrace trace)
      throws SQLException {
    insert.setString(first, trace.id());
    insert.setString(first + 1, trace.writer());
    insert.setString(first + 2, trace.key());
    insert.setLong(first + 3, trace.seq());
  }

  /** Returns whether a message was committed. */
  public boolean hasOrder(String id) throws SQLException {
    try (Connection connection = database.dataSource().getConnection();
        PreparedStatement select =
            connection.prepareStatement("SELECT 1 FROM " + order + " WHERE id = ?")) {
      select.setString(1, id);
      try (ResultSet row = select.executeQuery()) {
        return row.next();
      }
    }
  }

  /** Returns the highest committed sequence number of each key of a writer. */
  public Map<String, Long> highestSequences(String writer) throws SQLException {
    Map<String, Long> found = new HashMap<>();
    try (Connection connection = database.dataSource().getConnection();
        PreparedStatement select =
            connection.prepareStatement(
                "SELECT msg_key, max(seq) FROM " + order + " WHERE writer = ? GROUP BY msg_key")) {
      select.setString(1, writer);
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          found.put(row.getString(1), row.getLong(2));
        }
      }
    }
    return found;
  }

  /** {@return the committed messages in commit order} */
  public List<MessageTrace> orders() throws SQLException {
    return traces("SELECT id, writer, msg_key, seq FROM " + order + " ORDER BY n");
  }

  /** {@return the effects in the order in which they happened} */
  public List<MessageTrace> effects() throws SQLException {
    return traces("SELECT id, writer, msg_key, seq FROM " + effect + " ORDER BY n");
  }

  private List<MessageTrace> traces(String sql) throws SQLException {
    List<MessageTrace> found = new ArrayList<>();
    try (Connection connection = database.dataSource().getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      while (row.next()) {
        found.add(
            new MessageTrace(row.getString(1), row.getString(2), row.getString(3), row.getLong(4)));
      }
    }
    return found;
  }

  /** {@return the number of committed messages} */
  public long orderCount() throws SQLException {
    return queryLong("SELECT count(*) FROM " + order);
  }

  /** {@return the number of messages with an effect} */
  public long effectCount() throws SQLException {
    return queryLong("SELECT count(DISTINCT id) FROM " + effect);
  }

  /** Counts the rows of a table of the schema. */
  public long rowCount(String table) throws SQLException {
    return queryLong("SELECT count(*) FROM " + database.table(table));
  }

  /** Runs a query that returns one number. */
  public long queryLong(String sql) throws SQLException {
    try (Connection connection = database.dataSource().getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getLong(1);
    }
  }
}
