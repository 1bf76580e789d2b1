package io.commslib.core.inmemory;

import io.commslib.core.engine.RawDelivery;
import io.commslib.core.engine.Settler;
import io.commslib.core.time.TaskScheduler;
import io.commslib.core.wire.WireMessage;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What one subscription group has still to handle, line by line, and its members. Of each key one
 * message at a time is with a member, so per-key order holds over all members, through crashes and
 * messages given back, and a full member holds nobody else's keys.
 */
final class InMemoryGroup implements Settler {

  /** Messages one thread hands over before the scheduler goes on in its place. */
  private static final int MESSAGES_PER_TURN = 1_000;

  private static final Duration GIVE_BACK_PAUSE = Duration.ofMillis(100);

  private final String name;
  private final int maxBacklog;
  private final TaskScheduler scheduler;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, KeyQueue> queues = new HashMap<>();
  private final ArrayDeque<KeyQueue> ready = new ArrayDeque<>();
  private final List<GroupMember> members = new ArrayList<>();
  private final TreeMap<Long, WireMessage> deadLetters = new TreeMap<>();
  private final AtomicInteger pumpRequests = new AtomicInteger();
  private long lastNumber;
  private int backlog;
  private int turn;

  InMemoryGroup(String place, int maxBacklog, TaskScheduler scheduler) {
    this.name = place;
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

  /** Adds a message at the end of its line; returns its place. */
  String add(WireMessage wire) {
    long number;
    lock.lock();
    try {
      number = ++lastNumber;
      KeyQueue line =
          wire.key()
              .map(key -> queues.computeIfAbsent(key, KeyQueue::new))
              .orElseGet(() -> new KeyQueue(null));
      line.waiting.add(new KeyQueue.Waiting(number, wire, 0));
      backlog++;
      if (!line.scheduled) {
        line.scheduled = true;
        ready.addLast(line);
      }
    } finally {
      lock.unlock();
    }
    pump();
    return name + "@" + number;
  }

  void join(GroupMember member) {
    change(() -> members.add(member));
  }

  void pause(GroupMember member) {
    change(() -> member.paused = true);
  }

  void resume(GroupMember member) {
    change(() -> member.paused = false);
  }

  /** The member takes no more; what it holds stays with it until settled. */
  void stop(GroupMember member) {
    change(() -> member.leaving = true);
  }

  /** The member is gone: what it held unsettled returns to its place, counted as delivered once. */
  void remove(GroupMember member) {
    change(
        () -> {
          member.leaving = true;
          if (members.remove(member)) {
            // Youngest first, so that the oldest ends up in front.
            member.unsettled.descendingMap().values().forEach(message -> returnToFront(message, 1));
            member.unsettled.clear();
          }
        });
  }

  /** The member takes part again after it has left, unless it was closed meanwhile. */
  void rejoin(GroupMember member) {
    change(
        () -> {
          if (!member.closed && !members.contains(member)) {
            member.leaving = false;
            members.add(member);
          }
        });
  }

  /** The member leaves for good. */
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

  /** Lock held. */
  private void returnToFront(StoredMessage message, int moreDeliveries) {
    returnToQueue(message, moreDeliveries);
    ready.addFirst(message.queue());
  }

  private void returnToQueue(StoredMessage stored, int moreDeliveries) {
    KeyQueue.Waiting message = stored.message();
    stored
        .queue()
        .waiting
        .addFirst(
            new KeyQueue.Waiting(
                message.number(), message.wire(), message.priorDeliveries() + moreDeliveries));
    backlog++;
  }

  /**
   * Hands over whatever can be. One thread at a time does it; a call from within, or beside it,
   * makes that one look again.
   */
  void pump() {
    if (pumpRequests.getAndIncrement() == 0) {
      serve();
    }
  }

  private void serve() {
    int handedOver = 0;
    int seen;
    do {
      seen = pumpRequests.get();
      for (StoredMessage next = take(); next != null; next = take()) {
        next.member().engine().accept(next);
        if (++handedOver == MESSAGES_PER_TURN) {
          serveLater();
          return;
        }
      }
    } while (!pumpRequests.compareAndSet(seen, 0));
  }

  /** Else a publisher's or a worker's thread could be kept here for as long as others publish. */
  private void serveLater() {
    try {
      scheduler.schedule(Duration.ZERO, this::serve);
    } catch (RejectedExecutionException e) {
      // The runtime is closed, and with it everybody who could take more.
      return;
    }
  }

  private @Nullable StoredMessage take() {
    lock.lock();
    try {
      KeyQueue line = ready.peekFirst();
      GroupMember member = line == null ? null : memberWithCapacity();
      if (line == null || member == null) {
        return null;
      }
      ready.removeFirst();
      StoredMessage message = new StoredMessage(member, line, line.waiting.removeFirst(), name);
      backlog--;
      member.unsettled.put(message.number(), message);
      return message;
    } finally {
      lock.unlock();
    }
  }

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
      boolean held = message.member().unsettled.remove(message.number()) != null;
      more = held && advance(message.queue());
    } finally {
      lock.unlock();
    }
    if (more) {
      pump();
    }
  }

  /** The next message of the line may go; false if there is none. Lock held. */
  private boolean advance(KeyQueue line) {
    if (line.waiting.isEmpty()) {
      if (line.key != null) {
        queues.remove(line.key);
      }
      return false;
    }
    ready.addLast(line);
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
        // Not at once: with nobody else to take it, that would be a hot loop.
        returnToQueue(message, 0);
        scheduler.schedule(GIVE_BACK_PAUSE, () -> change(() -> ready.addFirst(message.queue())));
      }
    } finally {
      lock.unlock();
    }
    pump();
  }

  void addDeadLetter(WireMessage letter) {
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
  Map.@Nullable Entry<Long, WireMessage> deadLetterAfter(long number, long upTo) {
    lock.lock();
    try {
      Map.Entry<Long, WireMessage> next = deadLetters.higherEntry(number);
      return next == null || next.getKey() > upTo
          ? null
          : Map.entry(next.getKey(), next.getValue());
    } finally {
      lock.unlock();
    }
  }

  /** Removes one dead letter; false if somebody else was quicker. */
  boolean removeDeadLetter(long number) {
    lock.lock();
    try {
      return deadLetters.remove(number) != null;
    } finally {
      lock.unlock();
    }
  }
}
