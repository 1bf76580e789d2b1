package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.inmemory.InMemoryTransaction;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.testkit.sabotage.Saboteur;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on messages that are handled in batches. */
abstract class BatchChapter extends ContractFixture {

  /** Sizes of the batches that were handled. */
  private final List<Integer> sizes = new CopyOnWriteArrayList<>();

  /** The ids of the messages of committed transactions, in commit order. */
  private final List<String> committed = new CopyOnWriteArrayList<>();

  private SubscriptionConfig.Builder inBatches(Destination queue) {
    return config(queue)
        .transactional(InMemoryTransactionRunner.create())
        .batch(new BatchBounds(10, 1 << 20, Duration.ofMillis(100)));
  }

  private BatchHandler effective(Predicate<String> fails) {
    return batch -> {
      sizes.add(batch.size());
      List<Settlement> outcomes = new ArrayList<>();
      for (Delivery delivery : batch) {
        String id = delivery.message().id();
        delivery.transaction().unwrap(InMemoryTransaction.class).onCommit(() -> committed.add(id));
        outcomes.add(fails.test(id) ? Settlement.retry() : Settlement.done());
      }
      return outcomes;
    };
  }

  @Test
  @DisplayName("batch: messages of several keys are handled together and each is settled")
  @BrokenBy(Saboteur.FORGETS_BATCHES)
  void aBatchIsHandledTogether() {
    Destination queue = queue();
    Subscription subscription = subscribe(inBatches(queue), effective(id -> false));
    // The gate opens once all are published, so that a batch forms however slow publishing is.
    subscription.pause();
    Map<String, List<String>> ids = new LinkedHashMap<>();
    for (String key : List.of("a", "b", "c", "d", "e", "f", "g", "h")) {
      ids.put(key, publishKey(queue, key, key, 3));
    }
    subscription.resume();
    awaitCount(subscription, Count.DONE, 24);
    assertThat(sizes).anyMatch(size -> size > 1).allMatch(size -> size <= 10);
    for (List<String> key : ids.values()) {
      assertThat(committed.stream().filter(key::contains).toList()).isEqualTo(key);
    }
  }

  @Test
  @DisplayName("batch: a failed message rolls the batch back, and then delays only its own key")
  @BrokenBy(Saboteur.COMMITS_EVERYTHING)
  void aFailedMessageDelaysOnlyItsKey() {
    Destination queue = queue();
    AtomicBoolean broken = new AtomicBoolean(true);
    Subscription subscription =
        subscribe(
            inBatches(queue).retry(attempts(100)),
            effective(id -> id.equals("a3") && broken.get()));
    List<String> a = publishKey(queue, "a", "a", 4);
    List<String> b = publishKey(queue, "b", "b", 4);
    await("the other key is done", () -> committed.containsAll(b));
    broken.set(false);
    awaitCount(subscription, Count.DONE, 8);
    assertThat(committed).doesNotHaveDuplicates();
    assertThat(committed.stream().filter(a::contains).toList()).isEqualTo(a);
  }
}
