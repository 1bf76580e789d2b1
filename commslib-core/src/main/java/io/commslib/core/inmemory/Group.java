package io.commslib.core.inmemory;

import io.commslib.core.spi.RawDelivery;
import io.commslib.core.spi.Settler;
import io.commslib.core.spi.WireMessage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What one subscription group has still to handle, in line order, and its members. A key with
 * unsettled messages belongs to the member that holds them; a free key goes to the next member that
 * has room. So per-key order holds over members.
 */
final class Group implements Settler {

  private record Waiting(WireMessage wire, int priorDeliveries) {}

  private static final class Owner {
    final Member member;
    int unsettled;

    Owner(Member member) {
      this.member = member;
    }
  }

  private final String place;
  private final int maxBacklog;
  private final ReentrantLock lock = new ReentrantLock();
  private final TreeMap<Long, Waiting> waiting = new TreeMap<>();
  private final Map<String, Owner> owners = new HashMap<>();
  private final List<Member> members = new ArrayList<>();
  private final List<WireMessage> deadLetters = new ArrayList<>();
  private final AtomicInteger pumpRequests = new AtomicInteger();
  private long lastNumber;
  private int turn;

  Group(String place, int maxBacklog) {
    this.place = place;
    this.maxBacklog = maxBacklog;
  }

  boolean isFull() {
    lock.lock();
    try {
      return waiting.size() >= maxBacklog;
    } finally {
      lock.unlock();
    }
  }

  /** Adds a message at the end of the line; returns its place. */
  String add(WireMessage wire) {
    long number;
    lock.lock();
    try {
      number = ++lastNumber;
      waiting.put(number, new Waiting(wire, 0));
    } finally {
      lock.unlock();
    }
    pump();
    return place + "@" + number;
  }

  void join(Member member) {
    lock.lock();
    try {
      members.add(member);
    } finally {
      lock.unlock();
    }
    pump();
  }

  /** The member takes no more; what it holds stays with it until settled. */
  void stop(Member member) {
    lock.lock();
    try {
      member.leaving = true;
    } finally {
      lock.unlock();
    }
  }

  /** The member is gone: what it held unsettled returns to its place, counted as delivered once. */
  void leave(Member member) {
    lock.lock();
    try {
      member.leaving = true;
      if (members.remove(member)) {
        member.unsettled.forEach(
            (number, message) -> {
              waiting.put(number, new Waiting(message.wire(), message.priorDeliveries() + 1));
              message.laneKey().ifPresent(this::letGo);
            });
        member.unsettled.clear();
      }
    } finally {
      lock.unlock();
    }
    pump();
  }

  /**
   * Hands over whatever can be. One thread at a time does it, so that a key's messages stay in line
   * order.
   */
  void pump() {
    if (pumpRequests.getAndIncrement() != 0) {
      return;
    }
    int served = 1;
    do {
      for (StoredMessage next = take(); next != null; next = take()) {
        next.member().engine().accept(next);
      }
      served = pumpRequests.addAndGet(-served);
    } while (served != 0);
  }

  private @Nullable StoredMessage take() {
    lock.lock();
    try {
      if (waiting.isEmpty() || members.isEmpty()) {
        return null;
      }
      Map.Entry<Long, Waiting> first = waiting.firstEntry();
      WireMessage wire = first.getValue().wire();
      Owner owner = wire.key().map(owners::get).orElse(null);
      Member member = owner == null ? free() : owner.member;
      if (member == null || member.leaving || !member.engine().isIntakeOpen()) {
        // The head waits for its key's owner, and the line behind it: simple, and never out of
        // order.
        return null;
      }
      StoredMessage message =
          new StoredMessage(
              member, place, first.getKey(), wire, first.getValue().priorDeliveries());
      waiting.remove(first.getKey());
      member.unsettled.put(first.getKey(), message);
      wire.key()
          .ifPresent(key -> owners.computeIfAbsent(key, name -> new Owner(member)).unsettled++);
      return message;
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Member free() {
    for (int i = 0; i < members.size(); i++) {
      Member member = members.get(Math.floorMod(turn++, members.size()));
      if (!member.leaving && member.engine().isIntakeOpen()) {
        return member;
      }
    }
    return null;
  }

  private void letGo(String key) {
    Owner owner = owners.get(key);
    if (owner != null && --owner.unsettled == 0) {
      owners.remove(key);
    }
  }

  @Override
  public void acknowledge(RawDelivery delivery) {
    settle((StoredMessage) delivery, false);
  }

  @Override
  public void giveBack(RawDelivery delivery) {
    settle((StoredMessage) delivery, true);
  }

  private void settle(StoredMessage message, boolean again) {
    boolean more;
    lock.lock();
    try {
      if (message.member().unsettled.remove(message.number()) != null) {
        message.laneKey().ifPresent(this::letGo);
        if (again) {
          waiting.put(message.number(), new Waiting(message.wire(), message.priorDeliveries()));
        }
      }
      more = !waiting.isEmpty();
    } finally {
      lock.unlock();
    }
    if (more) {
      pump();
    }
  }

  void addDeadLetter(WireMessage letter) {
    lock.lock();
    try {
      deadLetters.add(letter);
    } finally {
      lock.unlock();
    }
  }

  List<WireMessage> deadLetters() {
    lock.lock();
    try {
      return List.copyOf(deadLetters);
    } finally {
      lock.unlock();
    }
  }

  /** Removes one dead letter; false if somebody else was quicker. */
  boolean removeDeadLetter(WireMessage letter) {
    lock.lock();
    try {
      return deadLetters.removeIf(candidate -> candidate == letter);
    } finally {
      lock.unlock();
    }
  }
}
