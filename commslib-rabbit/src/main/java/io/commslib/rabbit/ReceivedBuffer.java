package io.commslib.rabbit;

import com.rabbitmq.client.Channel;
import io.commslib.core.engine.DeliveryEngine;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Buffers received deliveries until the engine has capacity, in the broker's order. A delivery is
 * dispatched before its channel is revoked or not at all: later it would overtake earlier
 * deliveries, which the broker redelivers. Thread-safe.
 */
final class ReceivedBuffer {

  private final Queue<RabbitDelivery> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger requests = new AtomicInteger();

  /** Locked while a delivery is dispatched. */
  private final ReentrantLock dispatchLock = new ReentrantLock();

  private volatile @Nullable Channel current;

  /** Dispatches only deliveries of this channel from now on. */
  void receiveFrom(Channel channel) {
    current = channel;
  }

  void add(RabbitDelivery delivery) {
    waiting.add(delivery);
  }

  /**
   * Dispatches deliveries to the engine while it has capacity. Only one thread dispatches at a
   * time, which keeps the order.
   *
   * @throws RuntimeException or Error of the engine; the current delivery is lost then, and its
   *     channel must be closed
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
        // A lost channel reports itself as closed before its loss is reported here.
        if (next.channel() == current && next.channel().isOpen()) {
          engine.accept(next);
        }
      } finally {
        dispatchLock.unlock();
      }
    }
  }

  /** Stops dispatching from a channel, drops its buffered deliveries and revokes the dispatched. */
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
