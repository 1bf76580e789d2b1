package io.commslib.benchmarks.chaos.idempotency;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.RequestOutcome;
import java.util.List;
import java.util.Map;

/** Keys reused with other content: while the first request runs, and after it has completed. */
final class ChangedContentRow {

  private ChangedContentRow() {}

  static IdempotencySuite.Outcome run(RequestDatabase database, ChaosOptions options) {
    int keys = options.bySize(100, 1_000, 1_000);
    IdempotentRequests requests = IdempotentRequests.builder(database.store()).build();
    long accepted = 0;
    for (int number = 0; number < keys; number++) {
      RequestKey key = RequestDatabase.key(number);
      Claim claim = database.store().claim(key, RequestDatabase.LEASE);
      accepted += refused(requests, key) ? 0 : 1;
      database.store().complete(key, claim.token(), RequestDatabase.result("first"));
      accepted += refused(requests, key) ? 0 : 1;
    }
    return new IdempotencySuite.Outcome(
        keys + " keys, each reused twice", Map.of("wrongAnswers", accepted), List.of());
  }

  private static boolean refused(IdempotentRequests requests, RequestKey key) {
    RequestOutcome outcome =
        requests.withLease(
            key.scope(), key.key(), "another content", attempt -> RequestDatabase.result("second"));
    return outcome.kind() == RequestOutcome.Kind.MISMATCHED;
  }
}
