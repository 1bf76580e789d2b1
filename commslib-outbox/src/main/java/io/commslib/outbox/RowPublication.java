package io.commslib.outbox;

import io.commslib.core.messaging.PublishReceipt;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One row on its way through the transport, and what came of it. It ends once, whatever the
 * transport throws and however often it calls back.
 */
final class RowPublication implements BiConsumer<@Nullable PublishReceipt, @Nullable Throwable> {

  private static final AtomicIntegerFieldUpdater<RowPublication> ENDED =
      AtomicIntegerFieldUpdater.newUpdater(RowPublication.class, "ended");

  private final RowPublisher owner;
  private final OutboxRow row;
  private final int generation;
  private volatile int ended;

  // Written before it is pushed to those that have ended, read by the relay's thread afterwards.
  private @Nullable Throwable failure;
  private @Nullable RelayKeyFence noted;
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

  /** Of the window that held the row. */
  int generation() {
    return generation;
  }

  /** Why the publish failed; null if it was confirmed. */
  @Nullable Throwable failure() {
    return failure;
  }

  @Override
  public void accept(@Nullable PublishReceipt receipt, @Nullable Throwable thrown) {
    owner.end(this, thrown == null && receipt == null ? RowPublisher.noReceipt() : thrown);
  }

  /** Whether this call ends it. */
  boolean ends() {
    return ended == 0 && ENDED.compareAndSet(this, 0, 1);
  }

  /** Keeps later ones of its key back until {@link #known}. */
  void failed(Throwable cause, @Nullable RelayKeyFence fence) {
    failure = cause;
    if (fence != null) {
      noted = fence;
      fenced = fence.failed(row.lane());
    }
  }

  /** The relay's thread knows of the failure. */
  void known() {
    if (noted != null) {
      noted.known(row.lane(), fenced);
    }
  }
}
