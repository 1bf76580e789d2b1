package io.commslib.idempotency;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.checks.Checks;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StorableResults;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.inmemory.InMemoryTransaction;
import io.commslib.core.time.TimeSource;
import io.commslib.core.tx.TransactionContext;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Request keys in memory, for tests and for single-process services whose callers do not outlive
 * them. Thread-safe. The number of keys is limited. A completed key is removed after its retention,
 * an abandoned one when the same time has passed since its lease ended.
 */
public final class InMemoryIdempotencyStore implements IdempotencyStore {

  private static final Duration OPEN_RETRY_AFTER = Duration.ofSeconds(1);

  private record Slot(String scope, String key) {}

  private static final class Entry {
    final String fingerprint;
    long token;
    long leaseEndNanos;
    long expiresNanos;
    boolean released;
    @Nullable StoredResult result;

    /** Whether it was claimed in a transaction that has not ended. */
    boolean open;

    String steps = "";

    Entry(String fingerprint) {
      this.fingerprint = fingerprint;
    }
  }

  private final TimeSource time;
  private final Duration retention;
  private final int maxKeys;
  private final Map<Slot, Entry> entries = new HashMap<>();
  private long lastToken;

  private InMemoryIdempotencyStore(TimeSource time, Duration retention, int maxKeys) {
    this.time = Objects.requireNonNull(time, "time");
    this.retention =
        Checks.inRange("retention", retention, Duration.ofSeconds(1), Duration.ofDays(3_650));
    this.maxKeys = Checks.inRange("maxKeys", maxKeys, 1, 10_000_000);
  }

  /**
   * Creates a store.
   *
   * @param time clock of leases and retention
   * @param retention retention of results, 1 s to 3,650 days
   * @param maxKeys the maximum number of keys, 1 to 10,000,000; further claims fail
   * @return new store
   */
  public static InMemoryIdempotencyStore create(TimeSource time, Duration retention, int maxKeys) {
    return new InMemoryIdempotencyStore(time, retention, maxKeys);
  }

  /**
   * {@inheritDoc}
   *
   * @throws StoreException {@code COMMS-IDEMPOTENCY-001}, {@code TRANSIENT}, if the store is full
   */
  @Override
  public synchronized Claim claim(RequestKey request, Duration lease) {
    Checks.inRange("lease", lease, Duration.ofMillis(1), Duration.ofHours(24));
    long now = time.nanoTime();
    Slot slot = new Slot(request.scope(), request.key());
    Entry entry = entries.get(slot);
    if (entry != null && isExpired(entry, now)) {
      entries.remove(slot);
      entry = null;
    }
    if (entry == null) {
      evictIfFull(now);
      entry = new Entry(request.fingerprint());
      entries.put(slot, entry);
      return grant(entry, now, lease, false);
    }
    Claim answer = answer(entry, request, now);
    return answer == null ? grant(entry, now, lease, !entry.released) : answer;
  }

  /** Returns the answer to a request; null if the key may be granted. */
  private static @Nullable Claim answer(Entry entry, RequestKey request, long now) {
    if (!entry.fingerprint.equals(request.fingerprint())) {
      return Claim.mismatched();
    }
    if (entry.result != null) {
      return Claim.completed(entry.result);
    }
    if (entry.open) {
      return Claim.inFlight(OPEN_RETRY_AFTER);
    }
    long left = entry.leaseEndNanos - now;
    return entry.released || left <= 0 ? null : Claim.inFlight(Duration.ofNanos(left));
  }

  /**
   * {@inheritDoc}
   *
   * @throws StoreException {@code COMMS-IDEMPOTENCY-001}, {@code TRANSIENT}, if the store is full
   */
  @Override
  public synchronized Claim claim(TransactionContext tx, RequestKey request) {
    InMemoryTransaction transaction = tx.unwrap(InMemoryTransaction.class);
    long now = time.nanoTime();
    Slot slot = new Slot(request.scope(), request.key());
    Entry before = entries.get(slot);
    boolean gone = before == null || isExpired(before, now);
    if (before != null && !gone) {
      Claim answer = answer(before, request, now);
      if (answer != null) {
        return answer;
      }
    }
    if (before == null) {
      evictIfFull(now);
    }
    Entry entry = new Entry(request.fingerprint());
    entry.open = true;
    if (before != null && !gone) {
      entry.steps = before.steps;
    }
    entries.put(slot, entry);
    transaction.onRollback(() -> restore(slot, before));
    boolean takeover = before != null && before.result == null && !before.released;
    return grant(entry, now, Duration.ZERO, takeover);
  }

  private synchronized void restore(Slot slot, @Nullable Entry before) {
    if (before == null) {
      entries.remove(slot);
    } else {
      entries.put(slot, before);
    }
  }

  @Override
  public synchronized boolean complete(
      TransactionContext tx, RequestKey request, long token, StoredResult result) {
    InMemoryTransaction transaction = tx.unwrap(InMemoryTransaction.class);
    StoredResult kept = StorableResults.of(request, result);
    Entry entry = liveGrant(request, token);
    if (entry == null || entry.result != null) {
      return false;
    }
    boolean leased = !entry.open;
    // No other claim may take it over before the commit: the fencing checked now must hold then.
    entry.open = true;
    transaction.onCommit(() -> finish(entry, kept));
    if (leased) {
      transaction.onRollback(() -> reopen(entry));
    }
    return true;
  }

  private synchronized void finish(Entry entry, StoredResult result) {
    entry.open = false;
    entry.result = result;
    entry.steps = "";
    entry.expiresNanos = time.nanoTime() + retention.toNanos();
  }

  private synchronized void reopen(Entry entry) {
    entry.open = false;
  }

  @Override
  public synchronized boolean remember(RequestKey request, long token, String step, String value) {
    RequestSteps.check(step, value);
    Entry entry = liveGrant(request, token);
    if (entry == null || entry.result != null) {
      return false;
    }
    String pair = TextPairs.write(step, value);
    if (entry.steps.length() + pair.length() > RequestSteps.MAX_CHARS) {
      throw RequestSteps.full();
    }
    entry.steps += pair;
    return true;
  }

  @Override
  public synchronized long purge() {
    long now = time.nanoTime();
    int before = entries.size();
    entries.values().removeIf(entry -> isExpired(entry, now) || isAbandoned(entry, now));
    return before - entries.size();
  }

  /** Tokens count over all keys, so that none repeats even if its entry was removed. */
  private Claim grant(Entry entry, long now, Duration lease, boolean takeover) {
    entry.token = ++lastToken;
    entry.released = false;
    entry.leaseEndNanos = now + lease.toNanos();
    return Claim.granted(entry.token, takeover, TextPairs.read(entry.steps));
  }

  private void evictIfFull(long now) {
    if (entries.size() < maxKeys) {
      return;
    }
    entries
        .values()
        .removeIf(
            entry ->
                (entry.released && !entry.open)
                    || isExpired(entry, now)
                    || isAbandoned(entry, now));
    if (entries.size() >= maxKeys) {
      throw new StoreException(
          "COMMS-IDEMPOTENCY-001",
          FailureKind.TRANSIENT,
          "keys: "
              + entries.size()
              + " (expected: less than "
              + maxKeys
              + ", maxKeys of the store)",
          null);
    }
  }

  private static boolean isExpired(Entry entry, long now) {
    return entry.result != null && entry.expiresNanos - now <= 0;
  }

  /** Returns whether no claim has taken it over for the retention since its lease ended. */
  private boolean isAbandoned(Entry entry, long now) {
    return entry.result == null && !entry.open && now - entry.leaseEndNanos > retention.toNanos();
  }

  @Override
  public synchronized boolean complete(RequestKey request, long token, StoredResult result) {
    StoredResult kept = StorableResults.of(request, result);
    Entry entry = liveGrant(request, token);
    if (entry == null) {
      return false;
    }
    if (entry.result != null) {
      return true;
    }
    finish(entry, kept);
    return true;
  }

  @Override
  public synchronized boolean release(RequestKey request, long token) {
    Entry entry = liveGrant(request, token);
    if (entry == null || entry.result != null) {
      return false;
    }
    entry.released = true;
    return true;
  }

  private @Nullable Entry liveGrant(RequestKey request, long token) {
    Entry entry = entries.get(new Slot(request.scope(), request.key()));
    return entry != null
            && entry.token == token
            && !entry.released
            && entry.fingerprint.equals(request.fingerprint())
        ? entry
        : null;
  }
}
