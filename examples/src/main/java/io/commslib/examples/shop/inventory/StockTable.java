package io.commslib.examples.shop.inventory;

import io.commslib.core.tx.TransactionContext;
import io.commslib.examples.shop.platform.ShopSql;
import io.commslib.jdbc.JdbcDatabase;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Stock and reservations. Articles are always updated in the same order, so that two transactions
 * never deadlock.
 */
final class StockTable {

  private final ShopSql sql;
  private final long initialPieces;
  private final Set<String> committedArticles = ConcurrentHashMap.newKeySet();

  StockTable(JdbcDatabase database, long start) {
    this.sql = new ShopSql(database);
    this.initialPieces = start;
    sql.create(
        """
        CREATE TABLE IF NOT EXISTS @stock (article varchar(1000) NOT NULL PRIMARY KEY, pieces bigint NOT NULL);
        CREATE TABLE IF NOT EXISTS @reservation (order_id varchar(200) NOT NULL, article varchar(1000) NOT NULL,
          pieces bigint NOT NULL, released boolean NOT NULL, PRIMARY KEY (order_id, article));
        CREATE TABLE IF NOT EXISTS @movement (kind varchar(10) NOT NULL, reference varchar(200) NOT NULL,
          pieces bigint NOT NULL, PRIMARY KEY (kind, reference))
        """);
  }

  /** Takes all pieces, or none; then returns an article with insufficient stock. */
  Optional<String> take(TransactionContext tx, Map<String, Long> pieces) throws SQLException {
    SortedMap<String, Long> sorted = new TreeMap<>(pieces);
    ensureRows(tx, sorted.keySet());
    SortedMap<String, Long> taken = new TreeMap<>();
    String missing = null;
    try (PreparedStatement update =
        sql.batch(tx, "UPDATE @stock SET pieces = pieces - ? WHERE article = ? AND pieces >= ?")) {
      for (Map.Entry<String, Long> entry : sorted.entrySet()) {
        update.setLong(1, entry.getValue());
        update.setString(2, entry.getKey());
        update.setLong(3, entry.getValue());
        update.addBatch();
      }
      int[] changed = update.executeBatch();
      int line = 0;
      for (Map.Entry<String, Long> entry : sorted.entrySet()) {
        if (changed[line++] == 1) {
          taken.put(entry.getKey(), entry.getValue());
        } else {
          missing = entry.getKey();
        }
      }
    }
    if (missing != null) {
      change(tx, taken);
    }
    return Optional.ofNullable(missing);
  }

  void add(TransactionContext tx, Map<String, Long> pieces) throws SQLException {
    SortedMap<String, Long> sorted = new TreeMap<>(pieces);
    ensureRows(tx, sorted.keySet());
    change(tx, sorted);
  }

  private void change(TransactionContext tx, SortedMap<String, Long> pieces) throws SQLException {
    if (pieces.isEmpty()) {
      return;
    }
    try (PreparedStatement update =
        sql.batch(tx, "UPDATE @stock SET pieces = pieces + ? WHERE article = ?")) {
      for (Map.Entry<String, Long> entry : pieces.entrySet()) {
        update.setLong(1, entry.getValue());
        update.setString(2, entry.getKey());
        update.addBatch();
      }
      update.executeBatch();
    }
  }

  void reserve(TransactionContext tx, String orderId, Map<String, Long> pieces)
      throws SQLException {
    try (PreparedStatement insert =
        sql.batch(
            tx,
            "INSERT INTO @reservation (order_id, article, pieces, released) VALUES (?, ?, ?, FALSE)")) {
      for (Map.Entry<String, Long> entry : pieces.entrySet()) {
        insert.setString(1, orderId);
        insert.setString(2, entry.getKey());
        insert.setLong(3, entry.getValue());
        insert.addBatch();
      }
      insert.executeBatch();
    }
  }

  /** Marks an order's reservation as released; returns its pieces, empty if there was none. */
  Map<String, Long> release(TransactionContext tx, String orderId) throws SQLException {
    Map<String, Long> held = new TreeMap<>();
    try (PreparedStatement select =
        sql.batch(
            tx,
            "SELECT article, pieces FROM @reservation WHERE order_id = ? AND released = FALSE")) {
      select.setString(1, orderId);
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          held.put(row.getString(1), row.getLong(2));
        }
      }
    }
    sql.update(tx, "UPDATE @reservation SET released = TRUE WHERE order_id = ?", orderId);
    return held;
  }

  void recordMovement(TransactionContext tx, String kind, String reference, long pieces) {
    sql.update(
        tx,
        "INSERT INTO @movement (kind, reference, pieces) VALUES (?, ?, ?)",
        kind,
        reference,
        pieces);
  }

  /** Reads the stock of all articles. */
  Map<String, Long> levels(TransactionContext tx) {
    return read(tx, "SELECT article, pieces FROM @stock");
  }

  /** Reads the stock of the articles that were reserved for an order. */
  Map<String, Long> levelsOf(TransactionContext tx, String orderId) {
    return read(
        tx,
        "SELECT s.article, s.pieces FROM @stock s JOIN @reservation r ON s.article = r.article"
            + " WHERE r.order_id = ?",
        orderId);
  }

  private Map<String, Long> read(TransactionContext tx, String query, Object... parameters) {
    Map<String, Long> levels = new TreeMap<>();
    sql.each(tx, row -> levels.put(row.getString(1), row.getLong(2)), query, parameters);
    return levels;
  }

  /** An article seen for the first time starts with the full stock. */
  private void ensureRows(TransactionContext tx, Set<String> articles) {
    for (String article : articles) {
      if (!committedArticles.contains(article)) {
        sql.insertNew(
            tx, "INSERT INTO @stock (article, pieces) VALUES (?, ?)", article, initialPieces);
      }
    }
    // Only committed rows are certain to exist.
    tx.afterCommit(() -> committedArticles.addAll(articles));
  }
}
