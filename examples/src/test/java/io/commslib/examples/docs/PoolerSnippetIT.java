package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.Health;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.time.SystemRuntime;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.OutboxConfig;
import io.commslib.outbox.OutboxNotifier;
import io.commslib.outbox.OutboxRelay;
import io.commslib.outbox.OutboxSchema;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.PgBouncerServer;
import io.commslib.testkit.servers.PostgresServer;
import org.junit.jupiter.api.Test;

/** The code about poolers in docs/databases.md. */
class PoolerSnippetIT {

  private final PostgresServer server = PostgresServer.shared();

  private HikariDataSource pool(String url) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(url);
    config.setUsername(server.user());
    config.setPassword(server.password());
    return new HikariDataSource(config);
  }

  @Test
  void aNotifierWithADirectDataSourceHearsItself() {
    String name = server.createDatabase("pooled").replaceAll(".*/", "");
    try (PgBouncerServer pooled = PgBouncerServer.start(server);
        HikariDataSource direct = pool(server.jdbcUrl(name));
        SystemRuntime runtime = SystemRuntime.create();
        InMemoryTransport transport = InMemoryTransport.create()) {
      OutboxSchema.scripts().apply(JdbcDatabase.builder(direct).build());
      Address pooler = new Address(pooled.jdbcUrl(name));
      // snippet: pooler
      String behindThePooler = pooler.jdbcUrl() + "?prepareThreshold=0";
      JdbcDatabase database = JdbcDatabase.builder(pool(behindThePooler)).build();
      JdbcOutbox outbox = JdbcOutbox.create(database, OutboxConfig.defaults());
      OutboxNotifier notifier = OutboxNotifier.create(outbox, direct, runtime);
      // end
      OutboxRelay relay = OutboxRelay.create(outbox, transport, runtime);
      try {
        relay.start();
        notifier.start();
        Await.until("heard", () -> "true".equals(notifier.health().details().get("listening")));
        assertThat(notifier.health().status()).isEqualTo(Health.Status.UP);
      } finally {
        notifier.close();
        relay.close();
        ((HikariDataSource) database.dataSource()).close();
      }
    }
  }

  /** Where the pooler listens. */
  private record Address(String jdbcUrl) {}
}
