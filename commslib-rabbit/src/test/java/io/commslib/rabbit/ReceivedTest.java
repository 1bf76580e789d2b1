package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.engine.RawDelivery;
import io.commslib.core.engine.Settler;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.testkit.Await;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Dispatch of received deliveries while their channel is lost. */
class ReceivedTest {

  private static final Duration LIMIT = Duration.ofSeconds(20);

  private final SystemRuntime runtime = SystemRuntime.create();
  private final List<String> handled = new CopyOnWriteArrayList<>();
  private final CountDownLatch started = new CountDownLatch(1);
  private final CountDownLatch release = new CountDownLatch(1);
  private final ReentrantLock lock = new ReentrantLock();
  private final ConsumerEpochs<ConsumerChannel> epochs = new ConsumerEpochs<>();
  private final ReceivedBuffer received = new ReceivedBuffer(lock, epochs);
  private final DeliveryEngine engine =
      DeliveryEngine.builder(
              SubscriptionConfig.builder(Destination.queue("q")).workers(4).build(),
              delivery -> {
                started.countDown();
                if (!release.await(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                  throw new IllegalStateException("not released");
                }
                handled.add(delivery.message().id());
                return Settlement.done();
              })
          .transport("rabbit")
          .runtime(runtime)
          .format(new CloudEventsEnvelope(CloudEventsEnvelope.AMQP_PREFIX))
          .settler(
              new Settler() {
                @Override
                public void acknowledge(RawDelivery delivery) {}

                @Override
                public void giveBack(RawDelivery delivery) {}
              })
          .deadLetters(letter -> CompletableFuture.completedFuture(null))
          .observer(CommsObserver.none())
          .build();

  /** Runs when the channel of a delivery is checked, just before its dispatch. */
  private Runnable beforeDispatch = () -> {};

  private final Channel channel =
      (Channel)
          Proxy.newProxyInstance(
              Channel.class.getClassLoader(),
              new Class<?>[] {Channel.class},
              (proxy, method, arguments) -> {
                switch (method.getName()) {
                  case "isOpen":
                    beforeDispatch.run();
                    return true;
                  case "getChannelNumber":
                    return 1;
                  case "equals":
                    return proxy == arguments[0];
                  case "hashCode":
                    return 1;
                  default:
                    throw new UnsupportedOperationException(method.getName());
                }
              });

  private ConsumerChannel source;

  @AfterEach
  void close() {
    release.countDown();
    engine.close();
    runtime.close();
  }

  private void receive(String id) {
    AMQP.BasicProperties properties =
        new AMQP.BasicProperties.Builder()
            .headers(
                Map.of(
                    CloudEventsEnvelope.AMQP_PREFIX + "specversion",
                    "1.0",
                    CloudEventsEnvelope.AMQP_PREFIX + "id",
                    id,
                    CloudEventsEnvelope.AMQP_PREFIX + "type",
                    "t",
                    CloudEventsEnvelope.AMQP_PREFIX + "source",
                    "/s",
                    CloudEventsEnvelope.AMQP_PREFIX + "partitionkey",
                    "k"))
            .build();
    UnfinishedAttempts attempts =
        new UnfinishedAttempts(
            "q@.begun", RabbitTransportConfig.builder("amqp://localhost").build(), runtime);
    received.add(
        new RabbitDelivery(
            source,
            source.received(0),
            QueueBinding.own("q", java.util.List.of()).withDefaultTargets(),
            new RabbitReading("q", "q@.redrive", null, runtime),
            attempts,
            new Delivery(new Envelope(1, false, "", "q"), properties, new byte[0])));
  }

  private void consume() {
    long epoch = epochs.begin();
    source = new ConsumerChannel(channel, epoch, 1);
    assertThat(epochs.opened(epoch, source)).isTrue();
    assertThat(epochs.consuming(epoch)).isTrue();
  }

  private void lose() {
    lock.lock();
    try {
      assertThat(epochs.lost(epochs.epoch())).isTrue();
    } finally {
      lock.unlock();
    }
    received.drop(channel);
    engine.revoke(channel);
  }

  /** Waits until the thread has ended or is blocked by another thread. */
  private static void awaitEndOrBlock(Thread thread) {
    Await.until(
        "end or wait",
        LIMIT,
        () ->
            thread.getState() == Thread.State.WAITING
                || thread.getState() == Thread.State.TERMINATED);
  }

  @Test
  void aDeliveryDispatchedDuringChannelLossDoesNotOvertakeEarlierOnes() throws Exception {
    consume();
    receive("first");
    received.dispatch(engine);
    assertThat(started.await(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    receive("second");
    receive("third");
    Thread loss = new Thread(this::lose);
    beforeDispatch =
        () -> {
          if (loss.getState() == Thread.State.NEW) {
            loss.start();
            awaitEndOrBlock(loss);
          }
        };

    received.dispatch(engine);
    loss.join();
    release.countDown();

    Await.until("nothing is in flight", LIMIT, () -> engine.snapshot().lanes() == 0);
    assertThat(handled).as("the broker redelivers the other two").containsExactly("first");
  }

  @Test
  void anErrorDuringDispatchDoesNotStopLaterDispatches() {
    release.countDown();
    consume();
    receive("first");
    beforeDispatch =
        () -> {
          throw new StackOverflowError("planted");
        };
    assertThatThrownBy(() -> received.dispatch(engine)).isInstanceOf(StackOverflowError.class);

    beforeDispatch = () -> {};
    receive("second");
    received.dispatch(engine);

    Await.until("second", LIMIT, () -> engine.snapshot().count(Count.DONE) == 1);
    assertThat(handled).containsExactly("second");
  }
}
