package io.commslib.idempotency;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.spi.Checks;
import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Request keys in memory, for tests and single-process services whose callers do not outlive them.
 * Thread-safe. Holds a fixed number of keys; completed ones leave when their retention ends.
 *
 * @since 0.1
 */
public final class InMemoryIdempotencyStore implements IdempotencyStore {

  private record Slot(String scope, String key) {}

  private static final class Entry {
    final String fingerprint;
    long token;
    long leaseEndNanos;
    long expiresNanos;
    boolean released;
    @Nullable StoredResult result;

    Entry(String fingerprint) {
      this.fingerprint = fingerprint;
    }
  }

  private final TimeSource time;
  private final Duration retention;
  private final int maxKeys;
  private final Map<Slot, Entry> entries = new HashMap<>();

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
   * @param retention how long results are kept, 1 s to 3,650 days
   * @param maxKeys how many keys are held at most, 1 to 10,000,000; beyond that claims fail
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
    if (entry != null && entry.result != null && entry.expiresNanos - now <= 0) {
      entries.remove(slot);
      entry = null;
    }
    if (entry == null) {
      makeRoom(now);
      entry = new Entry(request.fingerprint());
      entries.put(slot, entry);
      return grant(entry, now, lease, false);
    }
    if (!entry.fingerprint.equals(request.fingerprint())) {
      return Claim.mismatched();
    }
    if (entry.result != null) {
      return Claim.completed(entry.result);
    }
    if (entry.released) {
      return grant(entry, now, lease, false);
    }
    long left = entry.leaseEndNanos - now;
    return left > 0 ? Claim.inFlight(Duration.ofNanos(left)) : grant(entry, now, lease, true);
  }

  private static Claim grant(Entry entry, long now, Duration lease, boolean takeover) {
    entry.token++;
    entry.released = false;
    entry.leaseEndNanos = now + lease.toNanos();
    return Claim.granted(entry.token, takeover);
  }

  private void makeRoom(long now) {
    if (entries.size() < maxKeys) {
      return;
    }
    entries
        .values()
        .removeIf(
            entry -> entry.released || (entry.result != null && entry.expiresNanos - now <= 0));
    if (entries.size() >= maxKeys) {
      throw new StoreException(
          "COMMS-IDEMPOTENCY-001",
          FailureKind.TRANSIENT,
          "keys: " + entries.size() + " (expected: below " + maxKeys + ")",
          null);
    }
  }

  @Override
  public synchronized boolean complete(RequestKey request, long token, StoredResult result) {
    Entry entry = held(request, token);
    if (entry == null) {
      return false;
    }
    entry.result = Objects.requireNonNull(result, "result");
    entry.expiresNanos = time.nanoTime() + retention.toNanos();
    return true;
  }

  @Override
  public synchronized boolean release(RequestKey request, long token) {
    Entry entry = held(request, token);
    if (entry == null || entry.result != null) {
      return false;
    }
    // The entry stays for its token, which must never be granted twice.
    entry.released = true;
    return true;
  }

  private @Nullable Entry held(RequestKey request, long token) {
    Entry entry = entries.get(new Slot(request.scope(), request.key()));
    return entry != null
            && entry.token == token
            && !entry.released
            && entry.fingerprint.equals(request.fingerprint())
        ? entry
        : null;
  }
}
