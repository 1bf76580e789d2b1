package io.commslib.kafka;

import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The dead letters of a redrive that are in flight: a bounded number, and only one of each key, so
 * that no later letter of a key overtakes a failed one. Each letter is sent, and once that is
 * confirmed, it is deleted from the dead letters. The caller's thread does both: a client's own
 * thread must not send, since it could wait for itself. Confined to one thread.
 */
final class RedriveInFlight {

  private static final int SIZE = 200;

  /** The limit of sent and unconfirmed letters; a larger letter is sent alone. */
  private static final long MAX_BYTES = 8L * 1024 * 1024;

  private record Sent(@Nullable String key, int bytes, CompletionStage<?> done, Step delete) {}

  private record Deleted(@Nullable String key, CompletionStage<?> done) {}

  /** Starts an operation that is complete when the stage is. */
  interface Step {
    CompletionStage<?> begin();
  }

  private final Consumer<CompletionStage<?>> await;
  private final ArrayDeque<Sent> sent = new ArrayDeque<>();
  private final ArrayDeque<Deleted> deleted = new ArrayDeque<>();
  private final Set<String> keys = new HashSet<>();
  private long bytes;
  private int done;

  /**
   * Creates an instance without letters.
   *
   * @param await blocks until a stage is complete, and throws if it has failed
   */
  RedriveInFlight(Consumer<CompletionStage<?>> await) {
    this.await = await;
  }

  /** Sends a letter, after waiting for capacity and for the earlier letter of its key. */
  void add(@Nullable String key, int size, Step send, Step delete) {
    while (sent.size() >= SIZE
        || (!sent.isEmpty() && bytes + size > MAX_BYTES)
        || (key != null && keys.contains(key))) {
      advance();
    }
    if (key != null) {
      keys.add(key);
    }
    sent.add(new Sent(key, size, send.begin(), delete));
    bytes += size;
  }

  boolean isEmpty() {
    return sent.isEmpty() && deleted.isEmpty();
  }

  /**
   * Waits for all letters and returns their number. After a failure, a further call waits for the
   * rest.
   */
  int finish() {
    while (!sent.isEmpty() || !deleted.isEmpty()) {
      advance();
    }
    return done;
  }

  private void advance() {
    if (sent.isEmpty() || deleted.size() >= SIZE) {
      Deleted oldest = deleted.remove();
      await.accept(oldest.done());
      keys.remove(oldest.key());
      done++;
    } else {
      Sent oldest = sent.remove();
      bytes -= oldest.bytes();
      await.accept(oldest.done());
      deleted.add(new Deleted(oldest.key(), oldest.delete().begin()));
    }
  }
}
