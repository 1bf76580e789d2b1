package io.commslib.core.inmemory;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.commslib.core.engine.RawDelivery;
import io.commslib.core.engine.Settler;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.time.TaskScheduler;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The unsettled messages of one subscription group, in one queue per key, and its members. Of each
 * key one message at a time is with a member. This keeps the order of keys over all members, also
 * after crashes and returned messages, and a full member does not block the keys of other members.
 * Thread-safe.
 */
final class InMemoryGroup implements Settler {

  /** Messages that one thread delivers before the scheduler continues in its place. */
  private static final int MESSAGES_PER_TURN = 1_000;

  private static final Duration GIVE_BACK_PAUSE = Duration.ofMillis(100);

  private final String name;
  private final Function<ForeignRecord, Optional<String>> keys;
  private final int maxBacklog;
  private final TaskScheduler scheduler;
  private final AtomicInteger pumpRequests = new AtomicInteger();
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final Map<String, KeyQueue> queues = new HashMap<>();

  @GuardedBy("lock")
  private final ArrayDeque<KeyQueue> ready = new ArrayDeque<>();

  @GuardedBy("lock")
  private final List<GroupMember> members = new ArrayList<>();

  @GuardedBy("lock")
  private final TreeMap<Long, ForeignRecord> deadLetters = new TreeMap<>();

  @GuardedBy("lock")
  private long lastNumber;

  @GuardedBy("lock")
  private int backlog;

  @GuardedBy("lock")
  private int turn;

  InMemoryGroup(
      String name,
      Function<ForeignRecord, Optional<String>> keys,
      int maxBacklog,
      TaskScheduler scheduler) {
    this.name = name;
    this.keys = keys;
    this.maxBacklog = maxBacklog;
    this.scheduler = scheduler;
  }

  boolean isFull() {
    lock.lock();
    try {
      return backlog >= maxBacklog;
    } finally {
      lock.unlock();
    }
  }

  /** Adds a message at the end of its queue; returns its position. */
  String add(ForeignRecord wire) {
    long number;
    String key = keys.apply(wire).orElse(null);
    lock.lock();
    try {
      number = ++lastNumber;
      KeyQueue queue =
          key == null ? new KeyQueue(null) : queues.computeIfAbsent(key, KeyQueue::new);
      queue.waiting.add(new KeyQueue.Waiting(number, wire, 0, wire.sizeBytes()));
      backlog++;
      if (!queue.scheduled) {
        queue.scheduled = true;
        ready.addLast(queue);
      }
    } finally {
      lock.unlock();
    }
    pump();
    return name + "@" + number;
  }

  void join(GroupMember member) {
    lock.lock();
    try {
      members.add(member);
    } finally {
      lock.unlock();
    }
    pump();
  }

  void pause(GroupMember member) {
    change(() -> member.paused = true);
  }

  void resume(GroupMember member) {
    change(() -> member.paused = false);
  }

  /** The member takes no more messages; it keeps its unsettled ones until they are settled. */
  void stop(GroupMember member) {
    change(() -> member.leaving = true);
  }

  /** Removes a member; its unsettled messages return to their queues, counted as delivered once. */
  void remove(GroupMember member) {
    lock.lock();
    try {
      member.leaving = true;
      if (members.remove(member)) {
        // Youngest first, so that the oldest becomes the first.
        for (StoredMessage message : member.unsettled.descendingMap().values()) {
          returnToFront(message, 1);
        }
        member.unsettled.clear();
      }
    } finally {
      lock.unlock();
    }
    pump();
  }

  /** Adds a removed member again, unless it was closed meanwhile. */
  void rejoin(GroupMember member) {
    lock.lock();
    try {
      if (!member.closed && !members.contains(member)) {
        member.leaving = false;
        members.add(member);
      }
    } finally {
      lock.unlock();
    }
    pump();
  }

  /** Removes a member; it can't rejoin. */
  void close(GroupMember member) {
    change(() -> member.closed = true);
    remove(member);
  }

  private void change(Runnable change) {
    lock.lock();
    try {
      change.run();
    } finally {
      lock.unlock();
    }
    pump();
  }

  @GuardedBy("lock")
  private void returnToFront(StoredMessage message, int moreDeliveries) {
    returnToQueue(message, moreDeliveries);
    ready.addFirst(message.queue());
  }

  @GuardedBy("lock")
  private void returnToQueue(StoredMessage stored, int moreDeliveries) {
    KeyQueue.Waiting message = stored.message();
    stored
        .queue()
        .waiting
        .addFirst(
            new KeyQueue.Waiting(
                message.number(),
                message.wire(),
                message.priorDeliveries() + moreDeliveries,
                message.sizeBytes()));
    backlog++;
  }

  /**
   * Delivers messages to members with capacity. One thread at a time delivers. A call during that
   * time, on any thread, makes it check once more.
   */
  void pump() {
    if (pumpRequests.getAndIncrement() == 0) {
      serve();
    }
  }

  private void serve() {
    int delivered = 0;
    int seen;
    do {
      seen = pumpRequests.get();
      for (StoredMessage next = take(); next != null; next = take()) {
        next.member().engine().accept(next);
        if (++delivered == MESSAGES_PER_TURN) {
          serveLater();
          return;
        }
      }
    } while (!pumpRequests.compareAndSet(seen, 0));
  }

  /** Frees the thread of a publisher or worker, which could deliver here indefinitely otherwise. */
  private void serveLater() {
    try {
      scheduler.schedule(Duration.ZERO, this::serve);
    } catch (RejectedExecutionException e) {
      // The runtime is closed, so no member takes messages.
      return;
    }
  }

  private @Nullable StoredMessage take() {
    lock.lock();
    try {
      KeyQueue queue = ready.peekFirst();
      GroupMember member = queue == null ? null : memberWithCapacity();
      if (queue == null || member == null) {
        return null;
      }
      ready.removeFirst();
      StoredMessage message = new StoredMessage(member, queue, queue.waiting.removeFirst(), name);
      backlog--;
      member.unsettled.put(message.number(), message);
      return message;
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private @Nullable GroupMember memberWithCapacity() {
    for (int i = 0; i < members.size(); i++) {
      GroupMember member = members.get(Math.floorMod(turn++, members.size()));
      if (member.hasCapacity()) {
        return member;
      }
    }
    return null;
  }

  @Override
  public void acknowledge(RawDelivery delivery) {
    StoredMessage message = (StoredMessage) delivery;
    boolean more;
    lock.lock();
    try {
      boolean removed = message.member().unsettled.remove(message.number()) != null;
      more = removed && advance(message.queue());
    } finally {
      lock.unlock();
    }
    if (more) {
      pump();
    }
  }

  /** Makes the next message of the queue ready; false if there is none. */
  @GuardedBy("lock")
  private boolean advance(KeyQueue queue) {
    if (queue.waiting.isEmpty()) {
      if (queue.key != null) {
        queues.remove(queue.key);
      }
      return false;
    }
    ready.addLast(queue);
    return true;
  }

  @Override
  public void giveBack(RawDelivery delivery) {
    StoredMessage message = (StoredMessage) delivery;
    lock.lock();
    try {
      if (message.member().unsettled.remove(message.number()) == null) {
        return;
      }
      if (message.member().leaving) {
        returnToFront(message, 0);
      } else {
        // After a pause: without another member, an immediate redelivery would be a hot loop.
        returnToQueue(message, 0);
        scheduler.schedule(GIVE_BACK_PAUSE, () -> makeReady(message.queue()));
      }
    } finally {
      lock.unlock();
    }
    pump();
  }

  private void makeReady(KeyQueue queue) {
    lock.lock();
    try {
      ready.addFirst(queue);
    } finally {
      lock.unlock();
    }
    pump();
  }

  void addDeadLetter(ForeignRecord letter) {
    lock.lock();
    try {
      deadLetters.put(++lastNumber, letter);
    } finally {
      lock.unlock();
    }
  }

  /** The number of the youngest dead letter, 0 if there is none. */
  long youngestDeadLetter() {
    lock.lock();
    try {
      return deadLetters.isEmpty() ? 0 : deadLetters.lastKey();
    } finally {
      lock.unlock();
    }
  }

  /** The oldest dead letter after a number and up to another; null if there is none. */
  Map.@Nullable Entry<Long, ForeignRecord> deadLetterAfter(long number, long upTo) {
    lock.lock();
    try {
      Map.Entry<Long, ForeignRecord> next = deadLetters.higherEntry(number);
      return next == null || next.getKey() > upTo
          ? null
          : Map.entry(next.getKey(), next.getValue());
    } finally {
      lock.unlock();
    }
  }

  /** Removes one dead letter; false if another caller has removed it. */
  boolean removeDeadLetter(long number) {
    lock.lock();
    try {
      return deadLetters.remove(number) != null;
    } finally {
      lock.unlock();
    }
  }
}
