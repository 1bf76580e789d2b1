package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.BlockedKeyStore;
import io.commslib.core.messaging.OrderingKeys;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Contract of stores of blocked keys; run on each store. */
public abstract class BlockedKeysContract {

  private static final String CONSUMER = "topic:orders/billing";

  /** Creates a contract. */
  protected BlockedKeysContract() {}

  /**
   * Returns the store under test; another call returns the view of another process on the same
   * store.
   *
   * @return the store
   */
  protected abstract BlockedKeyStore store();

  @Test
  void aBlockLastsUntilItIsReleasedAndEveryMemberSeesIt() {
    BlockedKeyStore one = store();
    BlockedKeyStore other = store();
    assertThat(one.level(CONSUMER, "k")).isEmpty();
    one.block(CONSUMER, "k", 0);
    assertThat(other.level(CONSUMER, "k")).isEqualTo(OptionalInt.of(0));
    assertThat(other.release(CONSUMER, "k")).isTrue();
    assertThat(one.level(CONSUMER, "k")).isEmpty();
    assertThat(one.release(CONSUMER, "k")).isFalse();
  }

  @Test
  void theLevelOnlyRises() {
    BlockedKeyStore store = store();
    store.block(CONSUMER, "k", 2);
    store.block(CONSUMER, "k", 1);
    assertThat(store.level(CONSUMER, "k")).isEqualTo(OptionalInt.of(2));
    store.block(CONSUMER, "k", 3);
    assertThat(store.level(CONSUMER, "k")).isEqualTo(OptionalInt.of(3));
  }

  /** Keys in the form in which the engine passes them, for any bytes in the record. */
  @Test
  void keysOfEveryFormAreStored() {
    BlockedKeyStore store = store();
    List<String> keys =
        List.of(
            OrderingKeys.of(new byte[0]),
            OrderingKeys.of(new byte[] {(byte) 0xff, 0, '\n'}),
            OrderingKeys.of("k".repeat(100_000)),
            OrderingKeys.of("hex:ff"),
            "\uD83D\uDE00".repeat(128),
            "k".repeat(256));
    for (String key : keys) {
      store.block(CONSUMER, key, 1);
    }
    for (String key : keys) {
      assertThat(store.level(CONSUMER, key)).as(key).isEqualTo(OptionalInt.of(1));
    }
    assertThat(store.list(CONSUMER, 100)).containsAll(keys);
    for (String key : keys) {
      assertThat(store.release(CONSUMER, key)).as(key).isTrue();
    }
  }

  @Test
  void consumersAndKeysAreIndependent() {
    BlockedKeyStore store = store();
    store.block(CONSUMER, "k", 0);
    store.block(CONSUMER, "K", 1);
    store.block("topic:orders/shipping", "k2", 0);
    String strange = "'; DROP TABLE \u00fc \ud83d\ude00";
    store.block(CONSUMER, strange, 0);
    store.block(CONSUMER, "x".repeat(256), 0);
    assertThat(store.level("topic:orders/shipping", "k")).isEmpty();
    assertThat(store.list(CONSUMER, 10))
        .containsExactlyInAnyOrder("k", "K", strange, "x".repeat(256));
    assertThat(store.list(CONSUMER, 2)).hasSize(2);
    assertThatThrownBy(() -> store.list(CONSUMER, 0)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void concurrentBlocksOfAKeyKeepTheHighestLevel() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(8);
    try {
      for (int round = 0; round < 10; round++) {
        String key = "k" + round;
        List<Callable<Boolean>> holds = new ArrayList<>();
        for (int level = 0; level < 8; level++) {
          int mine = level;
          BlockedKeyStore store = store();
          holds.add(
              () -> {
                store.block(CONSUMER, key, mine);
                return true;
              });
        }
        for (Future<Boolean> hold : pool.invokeAll(holds, 60, TimeUnit.SECONDS)) {
          assertThat(hold.get()).isTrue();
        }
        assertThat(store().level(CONSUMER, key)).isEqualTo(OptionalInt.of(7));
      }
    } finally {
      pool.shutdownNow();
    }
  }
}
