package io.commslib.resilience;

import io.commslib.core.call.CallTarget;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The shared calls in flight of one remote, by operation and key. Nothing is kept after the end.
 */
final class SharedCalls {

  /** Calls with further keys are made on their own. */
  static final int MAX_KEYS = 10_000;

  private final Map<Key, SharedCall> inFlight = new ConcurrentHashMap<>();

  record Key(CallTarget target, String key) {

    static Key of(GuardedOperation operation) {
      String key = Objects.requireNonNull(operation.collapseKey(), "collapseKey");
      return new Key(operation.target(), key);
    }
  }

  /**
   * Returns the call to follow, which the caller must {@link SharedCall#leave}; {@code own} if the
   * caller leads and must {@link #end} it; null if its call is not shared.
   */
  @Nullable SharedCall join(SharedCall own) {
    Key key = own.key();
    SharedCall known = inFlight.get(key);
    if (known == null) {
      if (inFlight.size() >= MAX_KEYS) {
        return null;
      }
      known = inFlight.putIfAbsent(key, own);
    }
    if (known == null) {
      return own;
    }
    return known.admits(own) ? known : null;
  }

  /** Ends a shared call: first no call joins it any longer, then its followers continue. */
  void end(SharedCall own, SharedCall.End end) {
    inFlight.remove(own.key(), own);
    own.end(end);
  }

  /** The number of keys in flight. */
  int size() {
    return inFlight.size();
  }
}
