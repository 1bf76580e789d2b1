package io.commslib.rabbit;

import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.PublishReceipt;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Semaphore;

/**
 * Publishes of one channel that wait for their confirm, by sequence number. A message that no queue
 * received is first returned and then confirmed, so both together mean that it is in no queue.
 * Thread-safe.
 */
final class PendingConfirms {

  /** One publish. */
  static final class Pending {
    final PublishTarget to;
    final String messageId;
    final long startNanos;
    final long deadlineNanos;
    final CompletableFuture<PublishReceipt> result = new CompletableFuture<>();
    volatile boolean returned;

    /** Set before the message is written. */
    volatile long bodyBytes;

    Pending(PublishTarget to, String messageId, long startNanos, long deadlineNanos) {
      this.to = to;
      this.messageId = messageId;
      this.startNanos = startNanos;
      this.deadlineNanos = deadlineNanos;
    }

    void failTooLarge(long limitBytes) {
      String text =
          "message bytes: "
              + bodyBytes
              + " (expected: 0.."
              + limitBytes
              + ", max_message_size of the broker)";
      fail("COMMS-RABBIT-015", FailureKind.PERMANENT, SendCertainty.NOT_SENT, text);
    }

    void fail(String code, FailureKind kind, SendCertainty certainty, String text) {
      result.completeExceptionally(
          new PublishException(code, kind, certainty, to.destination(), messageId, text, null));
    }
  }

  private final ConcurrentSkipListMap<Long, Pending> pending = new ConcurrentSkipListMap<>();
  private final Semaphore capacity;

  PendingConfirms(Semaphore capacity) {
    this.capacity = capacity;
  }

  void add(long sequence, Pending publish) {
    pending.put(sequence, publish);
  }

  void onReturn(long sequence) {
    Pending publish = pending.get(sequence);
    if (publish != null) {
      publish.returned = true;
    }
  }

  void onConfirm(long sequence, boolean multiple, boolean positive) {
    Collection<Long> settled =
        multiple ? List.copyOf(pending.headMap(sequence, true).keySet()) : List.of(sequence);
    for (long number : settled) {
      Pending publish = remove(number);
      if (publish == null) {
        continue;
      }
      if (!positive) {
        publish.fail(
            "COMMS-RABBIT-010",
            FailureKind.TRANSIENT,
            publish.to.afterNack(),
            "refused by the broker (nack), as by a queue that is full");
      } else if (publish.returned && !publish.to.optional()) {
        publish.fail(
            "COMMS-RABBIT-004",
            FailureKind.TRANSIENT,
            SendCertainty.NOT_SENT,
            publish.to.unroutable());
      } else {
        publish.result.complete(
            new PublishReceipt(publish.messageId, publish.to.destination(), ""));
      }
    }
  }

  private @org.jspecify.annotations.Nullable Pending remove(long sequence) {
    Pending publish = pending.remove(sequence);
    if (publish != null) {
      capacity.release();
    }
    return publish;
  }

  /** Removes a publish that was never written to the channel. */
  void withdraw(long sequence) {
    remove(sequence);
  }

  boolean hasOverdue(long nowNanos) {
    return pending.values().stream().anyMatch(publish -> publish.deadlineNanos - nowNanos <= 0);
  }

  /** {@return the age of the oldest pending publish, 0 if there is none} */
  long oldestNanos(long nowNanos) {
    Map.Entry<Long, Pending> oldest = pending.firstEntry();
    return oldest == null ? 0 : Math.max(0, nowNanos - oldest.getValue().startNanos);
  }

  /** Fails the publishes over the broker's size limit, for which it closed the channel. */
  void failLargerThan(long limitBytes) {
    for (Map.Entry<Long, Pending> entry : pending.entrySet()) {
      if (entry.getValue().bodyBytes > limitBytes) {
        Pending publish = remove(entry.getKey());
        if (publish != null) {
          publish.failTooLarge(limitBytes);
        }
      }
    }
  }

  /** Fails all pending publishes after the channel was lost; they may have arrived. */
  void failAll(String text) {
    for (Long number : List.copyOf(pending.keySet())) {
      Pending publish = remove(number);
      if (publish != null) {
        publish.fail("COMMS-RABBIT-008", FailureKind.TRANSIENT, SendCertainty.MAYBE_SENT, text);
      }
    }
  }

  boolean isEmpty() {
    return pending.isEmpty();
  }
}
