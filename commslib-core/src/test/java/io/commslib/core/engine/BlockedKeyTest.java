package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.inmemory.InMemoryBlockedKeyStore;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.BlockedKeyStore;
import io.commslib.core.messaging.BlockedKeys;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.time.VirtualTime;
import io.commslib.core.wire.OrderingKeys;
import io.commslib.core.wire.WireMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class BlockedKeyTest {

  private static final Destination ORDERS = Destination.queue("orders");
  private static final String CONSUMER = "queue:orders/main";

  private final EngineFixture rig = new EngineFixture();
  private final InMemoryBlockedKeyStore held = new InMemoryBlockedKeyStore();
  private final List<String> handled = new ArrayList<>();

  @Test
  void laterMessagesOfAKeyFollowItsDeadLetterUnhandledAndInOrder() {
    rig.start(config(held), delivery -> handle(delivery.message().id()));
    rig.accept("bad1", "a").accept("a2", "a").accept("b1", "b").accept("a3", "a");
    rig.accept("u", null);
    rig.time().advance(Duration.ofSeconds(5));
    assertThat(handled).containsExactlyInAnyOrder("b1", "u");
    assertThat(rig.deadLetters())
        .extracting(letter -> letter.headers().get("ce_id"))
        .containsExactly("bad1", "a2", "a3");
    assertThat(rig.deadLetters())
        .extracting(letter -> letter.headers().get("commslib-dlq-reason"))
        .containsExactly("ATTEMPTS_EXHAUSTED", "KEY_PARKED", "KEY_PARKED");
    assertThat(rig.engine().snapshot().count(Count.BLOCKED)).isEqualTo(2);
    assertThat(rig.engine().snapshot().imbalance()).isZero();
    assertThat(held.list(CONSUMER, 10)).containsExactly("a");
  }

  @Test
  void theHoldOutlivesTheEngineThatMadeIt() {
    rig.start(config(held), delivery -> handle(delivery.message().id()));
    rig.accept("bad1", "a");
    rig.time().advance(Duration.ofSeconds(5));
    rig.engine().close();
    EngineFixture next = new EngineFixture();
    next.start(config(held), delivery -> handle(delivery.message().id()));
    next.accept("a2", "a").accept("b1", "b");
    next.time().advance(Duration.ofSeconds(5));
    assertThat(handled).containsExactly("b1");
    assertThat(next.deadLetters()).hasSize(1);
  }

  @Test
  void theKeyIsHeldBeforeItsLetterIsPublished() {
    rig.start(config(held), delivery -> handle(delivery.message().id()));
    rig.failPublishes(1);
    rig.accept("bad1", "a");
    rig.time().advance(Duration.ofMillis(150));
    assertThat(rig.failingPublishes()).isZero();
    assertThat(rig.deadLetters()).isEmpty();
    assertThat(held.level(CONSUMER, "a")).isEqualTo(OptionalInt.of(0));
  }

  @Test
  void messagesThatSharedAFailedBatchWithTheHeadAreParkedToo() {
    SubscriptionConfig config = config(held).toBuilder().batch(BatchBounds.of(3)).build();
    BatchHandler handler =
        batch -> {
          if (batch.stream().anyMatch(delivery -> delivery.message().id().startsWith("bad"))) {
            throw new IllegalStateException("boom");
          }
          batch.forEach(delivery -> handled.add(delivery.message().id()));
          return BatchHandler.allDone(batch);
        };
    rig.start(config, handler);
    rig.accept("bad1", "a").accept("a2", "a").accept("b1", "b");
    rig.time().advance(Duration.ofSeconds(5));
    assertThat(handled).containsExactly("b1");
    assertThat(rig.deadLetters()).hasSize(2);
  }

  @Test
  void aKeyOfAnyLengthIsHeldInAFormThatStoresCanKeep() {
    rig.start(config(held), delivery -> handle(delivery.message().id()));
    String key = "x".repeat(1_000_000);
    WireMessage garbage = new WireMessage(key, Map.of(), new byte[0]);
    rig.engine().accept(rig.delivery("garbage", OrderingKeys.of(key), garbage));
    rig.engine()
        .accept(rig.delivery("long", OrderingKeys.of(key), EngineFixture.wire("long", null)));
    rig.time().advance(Duration.ofSeconds(1));
    assertThat(rig.acknowledged()).containsExactly("garbage", "long");
    assertThat(handled).as("it follows the one that could not be read").isEmpty();
    assertThat(held.list(CONSUMER, 10)).containsExactly(OrderingKeys.of(key));
    assertThat(OrderingKeys.of(key)).startsWith("sha256:").hasSize(71);
  }

  @Test
  void nothingMovesWhileTheStoreIsOutOfReach() {
    AtomicBoolean down = new AtomicBoolean(true);
    BlockedKeyStore flaky =
        new ForwardingHeldKeys(held) {
          @Override
          void check() {
            if (down.get()) {
              throw new StoreException("COMMS-TEST-001", FailureKind.TRANSIENT, "down", null);
            }
          }
        };
    rig.start(config(flaky), delivery -> handle(delivery.message().id()));
    rig.accept("a1", "a").accept("bad2", "a").accept("a3", "a");
    rig.time().advance(Duration.ofSeconds(30));
    assertThat(handled).isEmpty();
    down.set(false);
    rig.time().advance(Duration.ofSeconds(30));
    assertThat(handled).containsExactly("a1");
    assertThat(rig.deadLetters()).hasSize(2);
  }

  @Test
  void aRedrivenSequenceRunsInOrderWhileNewMessagesWaitBehindIt() {
    VirtualTime time = VirtualTime.create();
    AtomicBoolean broken = new AtomicBoolean(true);
    try (InMemoryTransport transport = InMemoryTransport.builder().runtime(time).build()) {
      transport.declare(DestinationConfig.builder(ORDERS).build());
      Subscription subscription =
          transport
              .subscriber()
              .subscribe(
                  config(held),
                  delivery -> {
                    if (delivery.message().id().equals("m1") && broken.get()) {
                      throw new IllegalStateException("boom");
                    }
                    handled.add(delivery.message().id());
                    return Settlement.done();
                  });
      BlockedKeys parked = new BlockedKeys(held, transport.deadLetters());
      publish(transport, time, "m1", "m2", "m3");
      assertThat(handled).isEmpty();
      assertThat(parked.release(ORDERS, "main")).as("letters are left").isZero();

      // Redriven too early: the sequence fails at its head again and stays together.
      transport.deadLetters().redrive(ORDERS, "main", letter -> true);
      publish(transport, time, "m4");
      assertThat(handled).isEmpty();
      assertThat(transport.deadLetters().list(ORDERS, "main", 10))
          .extracting(DeadLetter::messageId)
          .containsExactly("m1", "m2", "m3", "m4");

      broken.set(false);
      transport.deadLetters().redrive(ORDERS, "main", letter -> true);
      time.advance(Duration.ofSeconds(1));
      assertThat(handled).containsExactly("m1", "m2", "m3", "m4");
      assertThat(parked.release(ORDERS, "main")).isEqualTo(1);
      publish(transport, time, "m5");
      assertThat(handled).endsWith("m5");
      assertThat(subscription.snapshot().imbalance()).isZero();
    }
  }

  private static void publish(InMemoryTransport transport, VirtualTime time, String... ids) {
    for (String id : ids) {
      Message message = Message.builder("t").id(id).key("a").build();
      assertThat(transport.publisher().publish(ORDERS, message).toCompletableFuture())
          .isCompleted();
    }
    time.advance(Duration.ofSeconds(1));
  }

  private Settlement handle(String id) {
    if (id.startsWith("bad")) {
      throw new IllegalStateException("boom");
    }
    handled.add(id);
    return Settlement.done();
  }

  private SubscriptionConfig config(BlockedKeyStore keys) {
    return rig.config()
        .blockKeyOnDeadLetter(keys)
        .retry(RetrySchedule.builder().attemptsAtOnce(2).withoutDelays().build())
        .build();
  }

  private abstract static class ForwardingHeldKeys implements BlockedKeyStore {
    private final BlockedKeyStore target;

    ForwardingHeldKeys(BlockedKeyStore target) {
      this.target = target;
    }

    abstract void check();

    @Override
    public void block(String consumer, String key, int level) {
      check();
      target.block(consumer, key, level);
    }

    @Override
    public OptionalInt level(String consumer, String key) {
      check();
      return target.level(consumer, key);
    }

    @Override
    public boolean release(String consumer, String key) {
      check();
      return target.release(consumer, key);
    }

    @Override
    public List<String> list(String consumer, int limit) {
      check();
      return target.list(consumer, limit);
    }
  }
}
