package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.tx.TransactionContext;
import io.commslib.idempotency.IdempotencyConfig;
import io.commslib.idempotency.InboxSchema;
import io.commslib.idempotency.JdbcIdempotencyStore;
import io.commslib.idempotency.RequestGuard;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.h2.jdbcx.JdbcConnectionPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The code of docs/idempotency.md. */
class IdempotencySnippetTest {

  private final JdbcConnectionPool pool =
      JdbcConnectionPool.create(
          "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1", "sa", "");
  private final JdbcDatabase database = JdbcDatabase.builder(pool).build();
  private final JdbcTransactionRunner transactions = JdbcTransactionRunner.create(database);
  private final byte[] body = "amount=5".getBytes(StandardCharsets.UTF_8);
  private final String idempotencyKey = "\"key-1\"";
  private final FarSide farSide = new FarSide();
  private int charges;

  /** A remote service. */
  private static final class FarSide {
    private final List<String> payments = new ArrayList<>();

    String pay(String key, byte[] order) {
      payments.add(key + "/" + order.length);
      return "payment-" + payments.size();
    }
  }

  @BeforeEach
  void createTables() {
    InboxSchema.scripts().apply(database);
  }

  @AfterEach
  void closePool() {
    pool.dispose();
  }

  private StoredResult charge(TransactionContext tx, byte[] order) {
    assertThat(tx.database()).isEqualTo(database.id());
    charges += order.length > 0 ? 1 : 0;
    return created("charge-" + charges);
  }

  private static StoredResult created(String id) {
    return new StoredResult(201, "text/plain", id.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  @Test
  void chargesOnceInATransaction() {
    for (int i = 0; i < 2; i++) {
      // snippet: requests-transaction
      IdempotencyStore store = JdbcIdempotencyStore.create(database, IdempotencyConfig.defaults());
      RequestGuard guard = RequestGuard.builder(store).build();
      StoredResult answer =
          guard.inTransaction(
              transactions,
              "customer-7/charge",
              idempotencyKey,
              RequestGuard.fingerprint(body),
              tx -> charge(tx, body));
      // end
      assertThat(new String(answer.body(), StandardCharsets.UTF_8)).isEqualTo("charge-1");
    }
    assertThat(charges).isEqualTo(1);
  }

  @Test
  void paysOnceWithALease() {
    RequestGuard guard =
        RequestGuard.builder(JdbcIdempotencyStore.create(database, IdempotencyConfig.defaults()))
            .build();
    for (int i = 0; i < 2; i++) {
      // snippet: requests-lease
      StoredResult answer =
          guard.withLease(
              "customer-7/charge",
              idempotencyKey,
              RequestGuard.fingerprint(body),
              attempt -> {
                String payment = attempt.steps().get("payment");
                if (payment == null) {
                  payment = farSide.pay(attempt.key().key(), body);
                  attempt.remember("payment", payment);
                }
                return created(payment);
              });
      // end
      assertThat(new String(answer.body(), StandardCharsets.UTF_8)).isEqualTo("payment-1");
    }
    assertThat(farSide.payments).containsExactly("key-1/8");
  }
}
