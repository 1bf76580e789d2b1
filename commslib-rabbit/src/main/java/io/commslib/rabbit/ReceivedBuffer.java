package io.commslib.rabbit;

import com.rabbitmq.client.Channel;
import io.commslib.core.engine.DeliveryEngine;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Buffers received deliveries until the engine has capacity, in the broker's order. A delivery is
 * dispatched before its epoch ends or not at all: later it would overtake earlier deliveries, which
 * the broker redelivers. Thread-safe.
 */
final class ReceivedBuffer {

  private final Queue<RabbitDelivery> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger requests = new AtomicInteger();

  /** Guards the epochs; locked while a delivery is dispatched. */
  private final ReentrantLock lock;

  private final ConsumerEpochs<ConsumerChannel> epochs;

  ReceivedBuffer(ReentrantLock lock, ConsumerEpochs<ConsumerChannel> epochs) {
    this.lock = lock;
    this.epochs = epochs;
  }

  void add(RabbitDelivery delivery) {
    waiting.add(delivery);
  }

  /**
   * Dispatches deliveries to the engine while it has capacity. Only one thread dispatches at a
   * time, which keeps the order.
   *
   * @throws RuntimeException or Error of the engine; the current delivery is lost then, and its
   *     epoch must end
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
      lock.lock();
      try {
        // A lost channel reports itself as closed before its loss is reported here.
        if (epochs.accepts(next.epoch()) && next.channel().isOpen()) {
          engine.accept(next);
        }
      } finally {
        lock.unlock();
      }
    }
  }

  /** Drops the buffered deliveries of a channel, whose epoch has ended. */
  void drop(Channel lost) {
    waiting.removeIf(delivery -> delivery.channel() == lost);
  }
}
