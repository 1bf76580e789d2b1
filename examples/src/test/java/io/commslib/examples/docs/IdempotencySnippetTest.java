package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.idempotency.RequestOutcome;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.tx.TransactionContext;
import io.commslib.http.IdempotencyAnswers;
import io.commslib.idempotency.IdempotencyConfig;
import io.commslib.idempotency.InboxSchema;
import io.commslib.idempotency.JdbcIdempotencyStore;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.h2.jdbcx.JdbcConnectionPool;
import org.jspecify.annotations.Nullable;
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

  private static String text(RequestOutcome outcome) {
    return new String(outcome.result().body(), StandardCharsets.UTF_8);
  }

  @Test
  void chargesOnceInATransaction() {
    for (int i = 0; i < 2; i++) {
      // snippet: requests-transaction
      IdempotencyStore store = JdbcIdempotencyStore.create(database, IdempotencyConfig.defaults());
      IdempotentRequests requests = IdempotentRequests.builder(store).build();
      RequestOutcome outcome =
          requests.inTransaction(
              transactions,
              "customer-7/charge",
              idempotencyKey,
              IdempotentRequests.fingerprint(body),
              tx -> charge(tx, body));
      // end
      assertThat(text(outcome)).isEqualTo("charge-1");
      assertThat(outcome.isRepetition()).isEqualTo(i > 0);
    }
    assertThat(charges).isEqualTo(1);
  }

  @Test
  void paysOnceWithALease() {
    IdempotentRequests requests =
        IdempotentRequests.builder(
                JdbcIdempotencyStore.create(database, IdempotencyConfig.defaults()))
            .build();
    for (int i = 0; i < 2; i++) {
      // snippet: requests-lease
      RequestOutcome outcome =
          requests.withLease(
              "customer-7/charge",
              idempotencyKey,
              IdempotentRequests.fingerprint(body),
              attempt -> {
                String payment = attempt.steps().get("payment");
                if (payment == null) {
                  payment = farSide.pay(attempt.key().key(), body);
                  attempt.remember("payment", payment);
                }
                return created(payment);
              });
      // end
      assertThat(text(outcome)).isEqualTo("payment-1");
    }
    assertThat(farSide.payments).containsExactly("key-1/8");
  }

  /** The answer of a protocol that is not HTTP. */
  private record Reply(String status, String text, Duration retryAfter) {

    static Reply ok(byte[] body) {
      return new Reply("OK", new String(body, StandardCharsets.UTF_8), Duration.ZERO);
    }

    static Reply failed(String status, String text) {
      return new Reply(status, text, Duration.ZERO);
    }

    static Reply retry(String status, Duration after) {
      return new Reply(status, "", after);
    }
  }

  private static Reply reply(RequestOutcome outcome) {
    // snippet: requests-by-kind
    Reply reply =
        switch (outcome.kind()) {
          case DONE -> Reply.ok(outcome.result().body());
          case NOT_KEPT -> Reply.failed("DATA_LOSS", "done before, and the answer was not kept");
          case IN_PROGRESS -> Reply.retry("ABORTED", outcome.retryAfter());
          case MISMATCHED -> Reply.failed("FAILED_PRECONDITION", "key used with another content");
          case MISSING_KEY -> Reply.failed("INVALID_ARGUMENT", "the key is missing");
          case MALFORMED_KEY -> Reply.failed("INVALID_ARGUMENT", outcome.reason());
        };
    // end
    return reply;
  }

  @Test
  void answersByKind() {
    IdempotentRequests requests =
        IdempotentRequests.builder(
                JdbcIdempotencyStore.create(database, IdempotencyConfig.defaults()))
            .build();
    StoredResult large =
        new StoredResult(201, "a/b", new byte[StoredResult.MAX_BODY_BYTES + 1], Map.of());
    List<Reply> replies = new ArrayList<>();
    replies.add(ask(requests, null, "f", created("c-1")));
    replies.add(ask(requests, "\"open", "f", created("c-1")));
    requests.withLease(
        "customer-7/charge",
        "key-1",
        "f",
        attempt -> {
          replies.add(ask(requests, "key-1", "f", created("c-2")));
          return created("c-1");
        });
    replies.add(ask(requests, "key-1", "f", created("c-2")));
    replies.add(ask(requests, "key-1", "other", created("c-2")));
    ask(requests, "key-2", "f", large);
    replies.add(ask(requests, "key-2", "f", large));
    assertThat(replies)
        .extracting(Reply::status)
        .containsExactly(
            "INVALID_ARGUMENT",
            "INVALID_ARGUMENT",
            "ABORTED",
            "OK",
            "FAILED_PRECONDITION",
            "DATA_LOSS");
    assertThat(replies.get(1).text()).isEqualTo("The closing quote is missing.");
    assertThat(replies.get(2).retryAfter()).isPositive();
    assertThat(replies.get(3).text()).isEqualTo("c-1");
  }

  @Test
  void answersOverHttp() {
    RequestOutcome outcome =
        IdempotentRequests.builder(
                JdbcIdempotencyStore.create(database, IdempotencyConfig.defaults()))
            .build()
            .withLease("customer-7/charge", null, "f", attempt -> created("c-1"));
    // snippet: requests-http
    StoredResult answer = IdempotencyAnswers.of(outcome);
    // end
    assertThat(answer.status()).isEqualTo(400);
  }

  private static Reply ask(
      IdempotentRequests requests, @Nullable String key, String fingerprint, StoredResult result) {
    return reply(requests.withLease("customer-7/charge", key, fingerprint, attempt -> result));
  }
}
