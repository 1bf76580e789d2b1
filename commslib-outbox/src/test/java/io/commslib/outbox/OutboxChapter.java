package io.commslib.outbox;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.messaging.Destination;
import io.commslib.core.time.SystemRuntime;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import java.util.List;
import javax.sql.DataSource;

/** A chapter of {@link OutboxStoreContract}: its tests, and short ways to their fixture. */
interface OutboxChapter {

  /** The fixture of the running test. */
  OutboxFixture fixture();

  /** A pool of connections to the database under test. It outlives the test. */
  DataSource dataSource();

  /** A new pool of connections to the same database. The test closes it. */
  HikariDataSource ownPool();

  default SystemRuntime runtime() {
    return fixture().runtime;
  }

  default RecordingTransport transport() {
    return fixture().transport;
  }

  default List<OutboxRelay> relays() {
    return fixture().relays;
  }

  default String schema() {
    return fixture().schema;
  }

  default JdbcDatabase database() {
    return fixture().database;
  }

  default JdbcTransactionRunner transactions() {
    return fixture().transactions;
  }

  default OutboxConfig config() {
    return fixture().config;
  }

  default JdbcOutbox outbox() {
    return fixture().outbox;
  }

  default void configure(OutboxConfig.Builder builder) {
    fixture().configure(builder);
  }

  default void forgetShards() {
    fixture().forgetShards();
  }

  default OutboxRelay startRelay() {
    return fixture().startRelay();
  }

  default void write(String id, String key) {
    fixture().write(id, key);
  }

  default void write(Destination to, String id, String key) {
    fixture().write(to, id, key);
  }

  default void writeInTurn(int messages, int keys) {
    fixture().writeInTurn(messages, keys);
  }

  default void assertFirstPublicationsInOrder() {
    fixture().assertFirstPublicationsInOrder();
  }

  default int rows(String table) {
    return fixture().rows(table);
  }

  default int number(String sql) {
    return fixture().number(sql);
  }

  default void execute(String sql) {
    fixture().execute(sql);
  }
}
