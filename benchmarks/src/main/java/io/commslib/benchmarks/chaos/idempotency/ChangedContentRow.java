package io.commslib.benchmarks.chaos.idempotency;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.idempotency.RequestGuard;
import java.util.List;
import java.util.Map;

/** Keys reused with other content: while the first request runs, and after it has completed. */
final class ChangedContentRow {

  private static final int UNPROCESSABLE = 422;

  private ChangedContentRow() {}

  static IdempotencySuite.Outcome run(RequestDatabase requests, ChaosOptions options) {
    int keys = options.bySize(100, 1_000, 1_000);
    RequestGuard guard = RequestGuard.builder(requests.store()).build();
    long accepted = 0;
    for (int number = 0; number < keys; number++) {
      RequestKey key = RequestDatabase.key(number);
      Claim claim = requests.store().claim(key, RequestDatabase.LEASE);
      accepted += refused(guard, key) ? 0 : 1;
      requests.store().complete(key, claim.token(), RequestDatabase.result("first"));
      accepted += refused(guard, key) ? 0 : 1;
    }
    return new IdempotencySuite.Outcome(
        keys + " keys, each reused twice", Map.of("wrongAnswers", accepted), List.of());
  }

  private static boolean refused(RequestGuard guard, RequestKey key) {
    StoredResult answer =
        guard.withLease(
            key.scope(), key.key(), "another content", attempt -> RequestDatabase.result("second"));
    return answer.status() == UNPROCESSABLE;
  }
}
