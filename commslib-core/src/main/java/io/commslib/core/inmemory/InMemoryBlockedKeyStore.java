package io.commslib.core.inmemory;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.BlockedKeyStore;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;

/** Blocked keys in memory, for tests. Their content ends with the process. Thread-safe. */
public final class InMemoryBlockedKeyStore implements BlockedKeyStore {

  private final Map<String, Map<String, Integer>> consumers = new ConcurrentHashMap<>();

  /** Creates an empty store. */
  public InMemoryBlockedKeyStore() {}

  private Map<String, Integer> of(String consumer) {
    return consumers.computeIfAbsent(consumer, name -> new ConcurrentHashMap<>());
  }

  @Override
  public void block(String consumer, String key, int level) {
    of(consumer).merge(key, level, Math::max);
  }

  @Override
  public OptionalInt level(String consumer, String key) {
    Integer level = of(consumer).get(key);
    return level == null ? OptionalInt.empty() : OptionalInt.of(level);
  }

  @Override
  public boolean release(String consumer, String key) {
    return of(consumer).remove(key) != null;
  }

  @Override
  public List<String> list(String consumer, int limit) {
    Checks.inRange("limit", limit, 1, 100_000);
    return of(consumer).keySet().stream().limit(limit).toList();
  }
}
