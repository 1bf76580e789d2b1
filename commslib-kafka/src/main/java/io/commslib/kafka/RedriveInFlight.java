package io.commslib.kafka;

import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Dead letters on their way back: as many at a time as the window holds, of each key one, so that a
 * failure leaves no later letter of its key ahead. Each is sent, and once that is confirmed it is
 * struck off, by the caller's thread both times: a client's own thread must not send, since it may
 * wait for itself. Confined to one thread.
 */
final class RedriveInFlight {

  private static final int SIZE = 200;

  /** Of letters sent and not confirmed; one may be larger, and is then sent alone. */
  private static final long MAX_BYTES = 8L * 1024 * 1024;

  private record Sent(@Nullable String key, int bytes, CompletionStage<?> done, Step delete) {}

  private record Deleted(@Nullable String key, CompletionStage<?> done) {}

  /** Begins something that is done when the stage is. */
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
   * Creates a window.
   *
   * @param await blocks until a stage is done and throws as it failed
   */
  RedriveInFlight(Consumer<CompletionStage<?>> await) {
    this.await = await;
  }

  /** Sends one, after it has waited for room, and for the letter of its key before it. */
  void add(@Nullable String key, int size, Step send, Step strike) {
    while (sent.size() >= SIZE
        || (!sent.isEmpty() && bytes + size > MAX_BYTES)
        || (key != null && keys.contains(key))) {
      advance();
    }
    if (key != null) {
      keys.add(key);
    }
    sent.add(new Sent(key, size, send.begin(), strike));
    bytes += size;
  }

  boolean isEmpty() {
    return sent.isEmpty() && deleted.isEmpty();
  }

  /** Waits for all; returns how many there were. After a failure the rest can be waited for. */
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
