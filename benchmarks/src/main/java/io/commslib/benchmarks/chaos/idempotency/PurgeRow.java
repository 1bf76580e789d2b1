package io.commslib.benchmarks.chaos.idempotency;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.core.messaging.Message;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.idempotency.InboxConfig;
import io.commslib.idempotency.JdbcInbox;
import io.commslib.jdbc.JdbcTransactionRunner;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Entries are purged continuously while their messages are redelivered within the retention. None
 * of those may count as new. The clock can't be moved, so the entries' times are: half of them to
 * just before the end of the retention, half to just after it.
 */
final class PurgeRow {

  private static final String CONSUMER = "queue:orders/main";
  private static final Duration RETENTION = Duration.ofHours(1);
  private static final Duration MARGIN = Duration.ofMinutes(2);

  private PurgeRow() {}

  static IdempotencySuite.Outcome run(RequestDatabase requests, ChaosOptions options)
      throws Exception {
    int messages = options.bySize(500, 5_000, 50_000);
    List<String> findings = new ArrayList<>();
    long accepted = acceptsTooShort() ? 1 : 0;
    JdbcInbox inbox =
        JdbcInbox.create(
            requests.database(),
            InboxConfig.builder()
                .retention(RETENTION)
                .longestRedelivery(Duration.ZERO)
                .purgeBatch(100)
                .build());
    TransactionRunner transactions = JdbcTransactionRunner.create(requests.database());
    for (int number = 0; number < messages; number++) {
      enter(transactions, inbox, number);
    }
    age(requests, 0, RETENTION.minus(MARGIN));
    age(requests, 1, RETENTION.plus(MARGIN));
    AtomicBoolean done = new AtomicBoolean();
    Thread purger =
        new Thread(
            () -> {
              while (!done.get()) {
                inbox.purge();
              }
            },
            "commslib-chaos-purger");
    purger.start();
    long duplicates = 0;
    for (int number = 0; number < messages; number += 2) {
      duplicates += enter(transactions, inbox, number) ? 1 : 0;
    }
    done.set(true);
    purger.join();
    inbox.purge();
    long left = requests.queryLong("SELECT count(*) FROM " + requests.database().table("inbox"));
    Map<String, Long> violations = new LinkedHashMap<>();
    violations.put("duplicateEffects", duplicates);
    violations.put("notPurged", left - (messages + 1) / 2);
    violations.put("tooShortAccepted", accepted);
    return new IdempotencySuite.Outcome(
        messages + " messages, half of them purged at the same time", violations, findings);
  }

  /** A retention shorter than the longest redelivery must be refused. */
  private static boolean acceptsTooShort() {
    try {
      InboxConfig.builder().retention(RETENTION).longestRedelivery(RETENTION.plus(MARGIN)).build();
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static boolean enter(TransactionRunner transactions, JdbcInbox inbox, int number) {
    Message message = Message.builder("chaos.event").id("m" + number).build();
    return transactions.run(tx -> inbox.enter(tx, CONSUMER, message));
  }

  private static void age(RequestDatabase requests, int remainder, Duration by) throws Exception {
    String number =
        "CAST(replace(substr(message_id, 2), ' /', '') AS " + numberType(requests) + ")";
    requests.execute(
        "UPDATE "
            + requests.database().table("inbox")
            + " SET received_at = received_at - interval '"
            + by.toSeconds()
            + "' second WHERE "
            + number
            + " % 2 = "
            + remainder);
  }

  private static String numberType(RequestDatabase requests) {
    return requests.database().dialect().isMySql() ? "signed" : "bigint";
  }
}
