package io.commslib.rabbit;

import com.rabbitmq.client.Channel;
import io.commslib.core.engine.DeliveryEngine;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What the client has received and the engine has no room for yet, in the broker's order. A
 * delivery is handed over before its channel is revoked or not at all: after that it would overtake
 * the ones before it, which the broker delivers again. Thread-safe.
 */
final class ReceivedBuffer {

  private final Queue<RabbitDelivery> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger requests = new AtomicInteger();

  /** Held while a delivery is handed over. */
  private final ReentrantLock dispatchLock = new ReentrantLock();

  private volatile @Nullable Channel current;

  /** Only deliveries of this channel are handed over from now on. */
  void receiveFrom(Channel channel) {
    current = channel;
  }

  void add(RabbitDelivery delivery) {
    waiting.add(delivery);
  }

  /**
   * Hands over what the engine has room for, one thread at a time so that the order is kept.
   *
   * @throws RuntimeException or Error of the engine; the delivery in hand is lost then, and its
   *     channel must end
   */
  void dispatch(DeliveryEngine engine) {
    if (requests.getAndIncrement() != 0) {
      return;
    }
    boolean done = false;
    try {
      int served = 1;
      do {
        dispatchAll(engine);
        served = requests.addAndGet(-served);
      } while (served != 0);
      done = true;
    } finally {
      if (!done) {
        requests.set(0);
      }
    }
  }

  private void dispatchAll(DeliveryEngine engine) {
    while (engine.isIntakeOpen()) {
      RabbitDelivery next = waiting.poll();
      if (next == null) {
        return;
      }
      dispatchLock.lock();
      try {
        // A channel that is lost says so before its loss is told here.
        if (next.channel() == current && next.channel().isOpen()) {
          engine.accept(next);
        }
      } finally {
        dispatchLock.unlock();
      }
    }
  }

  /** Hands over nothing more of a channel, forgets what waits, and revokes what was handed over. */
  void revoke(Channel lost, DeliveryEngine engine) {
    dispatchLock.lock();
    try {
      if (current == lost) {
        current = null;
      }
      waiting.removeIf(delivery -> delivery.channel() == lost);
    } finally {
      dispatchLock.unlock();
    }
    engine.revoke(lost);
  }
}
