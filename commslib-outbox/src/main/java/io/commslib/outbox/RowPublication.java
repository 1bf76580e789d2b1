package io.commslib.outbox;

import io.commslib.core.messaging.PublishReceipt;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The publication of a row and its result. It ends once, whatever the transport throws and however
 * often it calls back.
 */
final class RowPublication implements BiConsumer<@Nullable PublishReceipt, @Nullable Throwable> {

  private static final AtomicIntegerFieldUpdater<RowPublication> ENDED =
      AtomicIntegerFieldUpdater.newUpdater(RowPublication.class, "ended");

  private final RowPublisher owner;
  private final OutboxRow row;
  private final int generation;
  private volatile int ended;

  // Written before the publication is pushed to the ended ones, read by the relay's thread after.
  private @Nullable Throwable failure;
  private @Nullable RelayKeyFence keyFence;
  private boolean fenced;
  @Nullable RowPublication next;

  RowPublication(RowPublisher owner, OutboxRow row, int generation) {
    this.owner = owner;
    this.row = row;
    this.generation = generation;
  }

  OutboxRow row() {
    return row;
  }

  /** The generation of the window that contained the row. */
  int generation() {
    return generation;
  }

  /** The failure of the publish; null if it was confirmed. */
  @Nullable Throwable failure() {
    return failure;
  }

  @Override
  public void accept(@Nullable PublishReceipt receipt, @Nullable Throwable thrown) {
    owner.end(this, thrown == null && receipt == null ? RowPublisher.noReceipt() : thrown);
  }

  /** Ends the publication. Returns whether this call was the first to do so. */
  boolean end() {
    return ended == 0 && ENDED.compareAndSet(this, 0, 1);
  }

  /** Sets the failure. Keeps later rows of the key back until {@link #failureSeen}. */
  void failed(Throwable cause, @Nullable RelayKeyFence fence) {
    failure = cause;
    if (fence != null) {
      keyFence = fence;
      fenced = fence.failed(row.lane());
    }
  }

  /** The relay's thread has seen the failure, so it keeps back later rows of the key itself. */
  void failureSeen() {
    if (keyFence != null) {
      keyFence.known(row.lane(), fenced);
    }
  }
}
