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
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.OrderingKeys;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.time.VirtualTime;
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

  private final EngineFixture fixture = new EngineFixture();
  private final InMemoryBlockedKeyStore blockedKeys = new InMemoryBlockedKeyStore();
  private final List<String> handled = new ArrayList<>();

  @Test
  void laterMessagesOfAKeyFollowItsDeadLetterUnhandledAndInOrder() {
    fixture.start(config(blockedKeys), delivery -> handle(delivery.message().id()));
    fixture.accept("bad1", "a").accept("a2", "a").accept("b1", "b").accept("a3", "a");
    fixture.accept("u", null);
    fixture.time().advance(Duration.ofSeconds(5));
    assertThat(handled).containsExactlyInAnyOrder("b1", "u");
    assertThat(fixture.deadLetters())
        .extracting(letter -> letter.texts().get("ce_id"))
        .containsExactly("bad1", "a2", "a3");
    assertThat(fixture.deadLetters())
        .extracting(letter -> letter.texts().get("commslib-dlq-reason"))
        .containsExactly("ATTEMPTS_EXHAUSTED", "KEY_PARKED", "KEY_PARKED");
    assertThat(fixture.engine().snapshot().count(Count.BLOCKED)).isEqualTo(2);
    assertThat(fixture.engine().snapshot().imbalance()).isZero();
    assertThat(blockedKeys.list(CONSUMER, 10)).containsExactly("a");
  }

  @Test
  void aBlockedKeyOutlivesTheEngineThatBlockedIt() {
    fixture.start(config(blockedKeys), delivery -> handle(delivery.message().id()));
    fixture.accept("bad1", "a");
    fixture.time().advance(Duration.ofSeconds(5));
    fixture.engine().close();
    EngineFixture next = new EngineFixture();
    next.start(config(blockedKeys), delivery -> handle(delivery.message().id()));
    next.accept("a2", "a").accept("b1", "b");
    next.time().advance(Duration.ofSeconds(5));
    assertThat(handled).containsExactly("b1");
    assertThat(next.deadLetters()).hasSize(1);
  }

  @Test
  void theKeyIsBlockedBeforeItsDeadLetterIsPublished() {
    fixture.start(config(blockedKeys), delivery -> handle(delivery.message().id()));
    fixture.failPublishes(1);
    fixture.accept("bad1", "a");
    fixture.time().advance(Duration.ofMillis(150));
    assertThat(fixture.failingPublishes()).isZero();
    assertThat(fixture.deadLetters()).isEmpty();
    assertThat(blockedKeys.level(CONSUMER, "a")).isEqualTo(OptionalInt.of(0));
  }

  @Test
  void messagesOfTheSameBatchFollowTheDeadLetterOfTheirKey() {
    SubscriptionConfig config = config(blockedKeys).toBuilder().batch(BatchBounds.of(3)).build();
    BatchHandler handler =
        batch -> {
          if (batch.stream().anyMatch(delivery -> delivery.message().id().startsWith("bad"))) {
            throw new IllegalStateException("boom");
          }
          batch.forEach(delivery -> handled.add(delivery.message().id()));
          return BatchHandler.allDone(batch);
        };
    fixture.start(config, handler);
    fixture.accept("bad1", "a").accept("a2", "a").accept("b1", "b");
    fixture.time().advance(Duration.ofSeconds(5));
    assertThat(handled).containsExactly("b1");
    assertThat(fixture.deadLetters()).hasSize(2);
  }

  @Test
  void aKeyOfAnyLengthIsBlockedInAFormThatStoresCanKeep() {
    fixture.start(config(blockedKeys), delivery -> handle(delivery.message().id()));
    String key = "x".repeat(1_000_000);
    ForeignRecord garbage = new ForeignRecord(key, Map.of(), new byte[0]);
    fixture.engine().accept(fixture.delivery("garbage", OrderingKeys.of(key), garbage));
    fixture
        .engine()
        .accept(fixture.delivery("long", OrderingKeys.of(key), EngineFixture.wire("long", null)));
    fixture.time().advance(Duration.ofSeconds(1));
    assertThat(fixture.acknowledged()).containsExactly("garbage", "long");
    assertThat(handled).as("it follows the undecodable record").isEmpty();
    assertThat(blockedKeys.list(CONSUMER, 10)).containsExactly(OrderingKeys.of(key));
    assertThat(OrderingKeys.of(key)).startsWith("sha256:").hasSize(71);
  }

  @Test
  void noMessageIsHandledWhileTheStoreIsUnavailable() {
    AtomicBoolean down = new AtomicBoolean(true);
    BlockedKeyStore flaky =
        new ForwardingBlockedKeyStore(blockedKeys) {
          @Override
          void check() {
            if (down.get()) {
              throw new StoreException("COMMS-TEST-001", FailureKind.TRANSIENT, "down", null);
            }
          }
        };
    fixture.start(config(flaky), delivery -> handle(delivery.message().id()));
    fixture.accept("a1", "a").accept("bad2", "a").accept("a3", "a");
    fixture.time().advance(Duration.ofSeconds(30));
    assertThat(handled).isEmpty();
    down.set(false);
    fixture.time().advance(Duration.ofSeconds(30));
    assertThat(handled).containsExactly("a1");
    assertThat(fixture.deadLetters()).hasSize(2);
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
                  config(blockedKeys),
                  delivery -> {
                    if (delivery.message().id().equals("m1") && broken.get()) {
                      throw new IllegalStateException("boom");
                    }
                    handled.add(delivery.message().id());
                    return Settlement.done();
                  });
      BlockedKeys blocked = new BlockedKeys(blockedKeys, transport.deadLetters());
      publish(transport, time, "m1", "m2", "m3");
      assertThat(handled).isEmpty();
      assertThat(blocked.release(ORDERS, "main")).as("dead letters remain").isZero();

      // Redriven too early: the sequence fails at its head again and stays complete.
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
      assertThat(blocked.release(ORDERS, "main")).isEqualTo(1);
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
    return fixture
        .config()
        .blockKeyOnDeadLetter(keys)
        .retry(RetrySchedule.builder().attemptsAtOnce(2).withoutDelays().build())
        .build();
  }

  private abstract static class ForwardingBlockedKeyStore implements BlockedKeyStore {
    private final BlockedKeyStore target;

    ForwardingBlockedKeyStore(BlockedKeyStore target) {
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
