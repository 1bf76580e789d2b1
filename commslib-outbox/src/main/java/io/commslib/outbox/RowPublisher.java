package io.commslib.outbox;

import io.commslib.core.Failures;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.Publisher;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Publishes rows; the only caller of the transport. Whatever the transport throws, returns or calls
 * back with is the result of the row that was published. Results are kept in their order of
 * arrival, without allocation. {@link #end} and {@link #isEmpty} may be called from any thread, all
 * other methods from the relay's thread.
 */
final class RowPublisher {

  private static final int MAX_DESTINATIONS = 1_000;

  private final Publisher publisher;
  private final WakeSignal signal;
  private final RelayLoopProgress pulse;
  private final boolean fencesKeys;
  private final Map<String, Destination> destinations = new HashMap<>();
  private final AtomicReference<@Nullable RowPublication> ended = new AtomicReference<>();
  private final AtomicReference<@Nullable RowPublication> jvmFailure = new AtomicReference<>();
  private volatile @Nullable RelayKeyFence fence;
  private @Nullable RowPublication inOrder;
  private @Nullable Thread thread;

  RowPublisher(
      Publisher publisher, boolean fencesKeys, WakeSignal signal, RelayLoopProgress pulse) {
    this.publisher = publisher;
    this.fencesKeys = fencesKeys;
    this.fence = fencesKeys ? new RelayKeyFence() : null;
    this.signal = signal;
    this.pulse = pulse;
  }

  /** Makes the calling thread the relay's. Results that arrive on it raise no signal. */
  void begin() {
    thread = Thread.currentThread();
  }

  /**
   * Publishes a row, unless an earlier row of its key has failed and the relay's thread has not
   * seen that yet.
   *
   * @param generation the generation of the window that contains the row
   * @return whether it published the row
   */
  boolean publishUnlessFailed(OutboxRow row, int generation) {
    RelayKeyFence now = fence;
    if (now == null) {
      publish(row, generation);
      return true;
    }
    return now.publishUnlessFailed(row.lane(), () -> publish(row, generation));
  }

  private void publish(OutboxRow row, int generation) {
    RowPublication publication = new RowPublication(this, row, generation);
    pulse.doing(row);
    try {
      CompletionStage<PublishReceipt> stage = publisher.publish(destination(row), row.message());
      Objects.requireNonNull(stage, "publish: null (expected: a stage)").whenComplete(publication);
    } catch (Throwable e) {
      end(publication, e);
    } finally {
      // No statement or wait of the relay may see an interrupt flag that the transport left set.
      Thread.interrupted();
    }
  }

  private Destination destination(OutboxRow row) {
    Destination known = destinations.get(row.destination());
    if (known == null) {
      known = row.to();
      if (destinations.size() < MAX_DESTINATIONS) {
        destinations.put(row.destination(), known);
      }
    }
    return known;
  }

  static Throwable noReceipt() {
    return new IllegalStateException("publish: completed with null (expected: a receipt)");
  }

  /** Ends a publication, on any thread. */
  void end(RowPublication publication, @Nullable Throwable failure) {
    if (!publication.end()) {
      return;
    }
    if (failure != null) {
      publication.failed(failure, fence);
      if (Failures.isJvmFailure(failure)) {
        jvmFailure.compareAndSet(null, publication);
      }
    }
    RowPublication before;
    do {
      before = ended.get();
      publication.next = before;
    } while (!ended.compareAndSet(before, publication));
    if (Thread.currentThread() != thread) {
      signal.nudge();
    }
  }

  /** Whether {@link #poll} would return null. */
  boolean isEmpty() {
    return inOrder == null && ended.get() == null;
  }

  /** Removes the oldest ended publication; null if there is none. */
  @Nullable RowPublication poll() {
    if (inOrder == null) {
      RowPublication newest = ended.getAndSet(null);
      while (newest != null) {
        RowPublication older = newest.next;
        newest.next = inOrder;
        inOrder = newest;
        newest = older;
      }
    }
    RowPublication oldest = inOrder;
    if (oldest != null) {
      inOrder = oldest.next;
      oldest.next = null;
    }
    return oldest;
  }

  /** The first publication since {@link #reset} that a JVM failure ended; null if there is none. */
  @Nullable RowPublication jvmFailure() {
    return jvmFailure.get();
  }

  /** Forgets JVM failures, and the fence, which one may have left inconsistent. */
  void reset() {
    jvmFailure.set(null);
    fence = fencesKeys ? new RelayKeyFence() : null;
  }
}
