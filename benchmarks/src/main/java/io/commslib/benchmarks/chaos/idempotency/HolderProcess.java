package io.commslib.benchmarks.chaos.idempotency;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.idempotency.IdempotencyConfig;
import io.commslib.idempotency.JdbcIdempotencyStore;
import io.commslib.jdbc.JdbcDatabase;

/**
 * Claims keys, does the work of every second key and remembers it, completes none, and waits to be
 * killed.
 */
public final class HolderProcess {

  static final String READY = "claimed all";
  static final String NAME = "holder";

  private HolderProcess() {}

  /** Arguments: URL, user, number of keys. */
  public static void main(String[] arguments) throws Exception {
    try (HikariDataSource pool = RequestDatabase.pool(arguments[0], arguments[1])) {
      JdbcDatabase database = JdbcDatabase.builder(pool).build();
      JdbcIdempotencyStore store =
          JdbcIdempotencyStore.create(database, IdempotencyConfig.defaults());
      for (int number = 0; number < Integer.parseInt(arguments[2]); number++) {
        RequestKey key = RequestDatabase.key(number);
        Claim claim = store.claim(key, RequestDatabase.LEASE);
        if (claim.kind() != Claim.Kind.GRANTED) {
          throw new IllegalStateException(key + ": " + claim);
        }
        if (number % 2 == 0) {
          RequestDatabase.pay(database, key, NAME);
          store.remember(key, claim.token(), RequestDatabase.STEP, NAME);
        }
      }
      System.out.println(READY);
      while (System.in.read() >= 0) {
        continue;
      }
    }
  }
}
