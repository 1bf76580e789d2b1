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
 * The one place where the transport is called. Whatever it throws, returns or calls back with is
 * the result of the one row that was handed over. Results are kept in the order in which they came,
 * without a need for memory. Methods are the relay's thread's, {@link #end} and {@link #isEmpty}
 * are any thread's.
 */
final class RowPublisher {

  private static final int MAX_DESTINATIONS = 1_000;

  private final Publisher publisher;
  private final WakeSignal signal;
  private final RelayLoopProgress pulse;
  private final boolean fencesKeys;
  private final Map<String, Destination> destinations = new HashMap<>();
  private final AtomicReference<@Nullable RowPublication> ended = new AtomicReference<>();
  private final AtomicReference<@Nullable RowPublication> broken = new AtomicReference<>();
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

  /** The calling thread is the relay's: results that come on it wake nobody. */
  void begin() {
    thread = Thread.currentThread();
  }

  /**
   * Hands a row over, unless a failure of its key is not known yet; says whether it did.
   *
   * @param generation of the window that holds it
   */
  boolean handOver(OutboxRow row, int generation) {
    RelayKeyFence now = fence;
    if (now == null) {
      publish(row, generation);
      return true;
    }
    return now.publishUnlessFailed(row.lane(), () -> publish(row, generation));
  }

  private void publish(OutboxRow row, int generation) {
    RowPublication handover = new RowPublication(this, row, generation);
    pulse.doing(row);
    try {
      CompletionStage<PublishReceipt> stage = publisher.publish(destination(row), row.message());
      Objects.requireNonNull(stage, "publish: null (expected: a stage)").whenComplete(handover);
    } catch (Throwable e) {
      end(handover, e);
    } finally {
      // Neither a statement nor a wait of the relay's may find what the transport left set.
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

  /** One has come back, on whatever thread. */
  void end(RowPublication handover, @Nullable Throwable failure) {
    if (!handover.ends()) {
      return;
    }
    if (failure != null) {
      handover.failed(failure, fence);
      if (Failures.isJvmFailure(failure)) {
        broken.compareAndSet(null, handover);
      }
    }
    RowPublication before;
    do {
      before = ended.get();
      handover.next = before;
    } while (!ended.compareAndSet(before, handover));
    if (Thread.currentThread() != thread) {
      signal.nudge();
    }
  }

  /** Whether nothing has come back that was not taken. */
  boolean isEmpty() {
    return inOrder == null && ended.get() == null;
  }

  /** Takes the next that has come back, oldest first; null if there is none. */
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

  /** The first that has ended with an error of the JVM since {@link #reset}; null if none has. */
  @Nullable RowPublication broken() {
    return broken.get();
  }

  /** Forgets errors of the JVM, and what an error may have left half noted. */
  void reset() {
    broken.set(null);
    fence = fencesKeys ? new RelayKeyFence() : null;
  }
}
