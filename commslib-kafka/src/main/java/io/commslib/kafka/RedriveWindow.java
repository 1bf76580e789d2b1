package io.commslib.kafka;

import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Dead letters on their way back: as many at a time as the window holds, of each key one, so that a
 * failure leaves no later letter of its key ahead. Confined to one thread.
 */
final class RedriveWindow {

  private static final int SIZE = 200;

  private record Sent(@Nullable String key, CompletionStage<?> done) {}

  private final Consumer<CompletionStage<?>> await;
  private final ArrayDeque<Sent> open = new ArrayDeque<>();
  private final Set<String> keys = new HashSet<>();
  private int done;

  /**
   * Creates a window.
   *
   * @param await blocks until a stage is done and throws as it failed
   */
  RedriveWindow(Consumer<CompletionStage<?>> await) {
    this.await = await;
  }

  /** Sends one, after it has waited for room, and for the letter of its key before it. */
  void add(@Nullable String key, Supplier<CompletionStage<?>> send) {
    while (open.size() >= SIZE || (key != null && keys.contains(key))) {
      takeOldest();
    }
    if (key != null) {
      keys.add(key);
    }
    open.add(new Sent(key, send.get()));
  }

  /** Waits for all; returns how many there were. */
  int finish() {
    while (!open.isEmpty()) {
      takeOldest();
    }
    return done;
  }

  private void takeOldest() {
    Sent oldest = open.remove();
    await.accept(oldest.done());
    keys.remove(oldest.key());
    done++;
  }
}
