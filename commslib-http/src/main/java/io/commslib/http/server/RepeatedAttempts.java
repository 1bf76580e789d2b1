package io.commslib.http.server;

import io.commslib.http.CallHeaders;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Counts attempts that arrive a second time, by the id of their call and their number. It keeps one
 * hash a slot: an attempt is forgotten once another one has taken its slot, so a repetition may be
 * missed, and a hash of 64 bits makes a false one unlikely. Thread-safe.
 */
final class RepeatedAttempts {

  private static final int SLOT_BITS = 12;
  private static final int MAX_ID_CHARS = 64;
  private static final int MAX_NUMBER_CHARS = 9;
  private static final long FNV_BASIS = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;

  private final AtomicLongArray seen = new AtomicLongArray(1 << SLOT_BITS);
  private final AtomicLong repeated = new AtomicLong();

  /** Records an attempt, if it has an id. */
  void arrived(ServerRequest request) {
    List<String> ids = request.headers(CallHeaders.CALL_ID);
    List<String> numbers = request.headers(CallHeaders.ATTEMPT);
    if (ids.size() != 1
        || numbers.size() != 1
        || ids.get(0).isEmpty()
        || ids.get(0).length() > MAX_ID_CHARS
        || numbers.get(0).length() > MAX_NUMBER_CHARS) {
      return;
    }
    long hash = hash(hash(hash(FNV_BASIS, ids.get(0)), "/"), numbers.get(0));
    if (seen.getAndSet((int) (hash >>> (Long.SIZE - SLOT_BITS)), hash) == hash) {
      repeated.incrementAndGet();
    }
  }

  private static long hash(long start, String text) {
    long hash = start;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * FNV_PRIME;
    }
    return hash;
  }

  long count() {
    return repeated.get();
  }
}
