package io.commslib.outbox;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Keeps later messages of a key from the transport between the moment a publish of the key fails
 * and the moment the relay's thread learns of it: a transport that fences keys refuses what it was
 * given until the failure is told, not what it is given afterwards. Failures are noted by the
 * transport's threads, which wait for a publish under way; so either the publish comes first and is
 * fenced, or it sees the failure. Thread-safe.
 */
final class KeyFence {

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Integer> failures = new HashMap<>();

  /** A publish has failed; called before its stage's dependents return. */
  void failed(@Nullable String lane) {
    if (lane != null) {
      lock.lock();
      try {
        failures.merge(lane, 1, Integer::sum);
      } finally {
        lock.unlock();
      }
    }
  }

  /** The relay's thread knows of a failure now. */
  void known(@Nullable String lane) {
    if (lane != null) {
      lock.lock();
      try {
        failures.computeIfPresent(lane, (name, count) -> count == 1 ? null : count - 1);
      } finally {
        lock.unlock();
      }
    }
  }

  /** Hands a message over unless a failure of its lane is not known yet; says whether it did. */
  boolean handOver(@Nullable String lane, Runnable publish) {
    if (lane == null) {
      publish.run();
      return true;
    }
    lock.lock();
    try {
      if (failures.containsKey(lane)) {
        return false;
      }
      publish.run();
      return true;
    } finally {
      lock.unlock();
    }
  }
}
