package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.Capability;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.StartPosition;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.TransportClosedException;
import io.commslib.testkit.sabotage.Saboteur;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on what a confirmed and a failed publish mean. */
abstract class PublishChapter extends ContractFixture {

  @Test
  @DisplayName("A publish completes with a receipt that names the message and its destination")
  @BrokenBy(Saboteur.MISNAMES_RECEIPTS)
  void publishCompletesWithReceipt() {
    Destination queue = queue();
    PublishReceipt receipt = publish(queue, message("m1"));
    assertThat(receipt.messageId()).isEqualTo("m1");
    assertThat(receipt.destination()).isEqualTo(queue);
  }

  @Test
  @DisplayName("A confirmed message waits for a declared group that consumes later")
  @BrokenBy(Saboteur.LOSES_PUBLISHES)
  void confirmedMessageWaitsForItsGroup() {
    Destination topic = topic("late");
    publish(topic, message("m1"));
    RecordingHandler handled = RecordingHandler.done();
    subscribe(config(topic, "late"), handled);
    await("m1 handled", () -> handled.ids().equals(List.of("m1")));
  }

  @Test
  @DisplayName("A publish to an undeclared destination fails NOT_SENT")
  @BrokenBy({Saboteur.CONFIRMS_FAILURES, Saboteur.HIDES_CERTAINTY})
  void undeclaredDestinationFailsNotSent() {
    refusedAsNotSent(Destination.topic(freshName()), message("m1"));
    refusedAsNotSent(Destination.queue(freshName()), message("m2"));
  }

  @Test
  @DisplayName("A publish that no group receives fails NOT_SENT, or is kept for future groups")
  @BrokenBy(Saboteur.CONFIRMS_FAILURES)
  void unroutableFailsNotSentOrIsKept() {
    Destination topic = topic();
    if (!transport.capabilities(topic).has(Capability.RETENTION_WITHOUT_GROUP)) {
      refusedAsNotSent(topic, message("m1"));
      return;
    }
    publish(topic, message("m1"));
    RecordingHandler handled = RecordingHandler.done();
    subscribe(config(topic, "first").startAt(StartPosition.EARLIEST), handled);
    await("m1 handled", () -> handled.ids().equals(List.of("m1")));
  }

  @Test
  @DisplayName("A publish that no group receives is confirmed when the destination is optional")
  @BrokenBy(Saboteur.FORGETS_OPTIONAL)
  void unroutableToOptionalIsConfirmed() {
    Destination topic = Destination.topic(freshName());
    transport.declare(DestinationConfig.builder(topic).partitions(4).optional().build());
    assertThat(publish(topic, message("m1")).messageId()).isEqualTo("m1");
  }

  @Test
  @DisplayName("A message over the size limit fails NOT_SENT and does not disturb the next one")
  @BrokenBy(Saboteur.CONFIRMS_FAILURES)
  void tooLargeFailsNotSent() {
    Destination queue = queue();
    byte[] body = new byte[harness.maxMessageBytes() + 1];
    refusedAsNotSent(queue, message("large", "k").toBuilder().sharedBody(body).build());
    publish(queue, message("small", "k"));
    RecordingHandler handled = RecordingHandler.done();
    subscribe(config(queue), handled);
    await("small handled", () -> handled.ids().equals(List.of("small")));
  }

  @Test
  @DisplayName(
      "A closed transport refuses publish, declare and subscribe; closing twice has no effect")
  @BrokenBy(Saboteur.IGNORES_CLOSE)
  void closedTransportRefuses() {
    Destination queue = queue();
    transport.close();
    transport.close();
    assertThatThrownBy(() -> transport.publisher().publish(queue, message("m1")))
        .isInstanceOf(TransportClosedException.class);
    assertThatThrownBy(() -> transport.declare(DestinationConfig.builder(queue).build()))
        .isInstanceOf(TransportClosedException.class);
    SubscriptionConfig config = config(queue).build();
    assertThatThrownBy(() -> transport.subscriber().subscribe(config, RecordingHandler.done()))
        .isInstanceOf(TransportClosedException.class);
  }

  @Test
  @DisplayName("deliverAt is kept with DELAYED_DELIVERY and refused NOT_SENT without it")
  @BrokenBy(Saboteur.FORGETS_DELIVER_AT)
  void deliverAtIsKeptOrRefused() {
    Destination queue = queue();
    Instant due = Instant.now().plus(Duration.ofMillis(1_500));
    Message delayed = message("m1").toBuilder().deliverAt(due).build();
    if (!transport.capabilities(queue).has(Capability.DELAYED_DELIVERY)) {
      refusedAsNotSent(queue, delayed);
      return;
    }
    RecordingHandler handled = RecordingHandler.done();
    subscribe(config(queue), handled);
    publish(queue, delayed);
    await("m1 handled", () -> handled.ids().equals(List.of("m1")));
    assertThat(Instant.now()).isAfterOrEqualTo(due);
  }

  @Test
  @DisplayName("One id published twice is delivered twice")
  @BrokenBy(Saboteur.REMOVES_DUPLICATES)
  void oneIdPublishedTwiceIsDeliveredTwice() {
    Destination queue = queue();
    publish(queue, message("m1"));
    publish(queue, message("m1"));
    RecordingHandler handled = RecordingHandler.done();
    subscribe(config(queue), handled);
    await("two deliveries", () -> handled.ids().equals(List.of("m1", "m1")));
  }

  @Test
  @DisplayName("One message published to two destinations arrives at both")
  @BrokenBy(Saboteur.REMOVES_DUPLICATES)
  void oneMessageGoesToTwoDestinations() {
    Destination first = queue();
    Destination second = queue();
    RecordingHandler atFirst = RecordingHandler.done();
    RecordingHandler atSecond = RecordingHandler.done();
    subscribe(config(first), atFirst);
    subscribe(config(second), atSecond);
    Message message = message("m1", "k");
    assertThat(publish(first, message).destination()).isEqualTo(first);
    assertThat(publish(second, message).destination()).isEqualTo(second);
    await("handled at both", () -> atFirst.count() == 1 && atSecond.count() == 1);
  }

  @Test
  @DisplayName("Publishes of one key without waiting for confirms arrive in their order")
  @BrokenBy(Saboteur.SWAPS_MESSAGES_OF_A_KEY)
  void publishesWithoutWaitingKeepTheirOrder() {
    Destination queue = queue();
    RecordingHandler handled = RecordingHandler.done();
    subscribe(config(queue), handled);
    handOver(queue, "k", 200).join();
    await("200 handled", () -> handled.count() >= 200);
    assertThat(handled.firstOfKey("k")).hasSize(200).isEqualTo(idsFrom("k", 200));
  }

  @Test
  @DisplayName("Publishes of several threads are each handled once, in order per thread")
  @BrokenBy({Saboteur.LOSES_SOME_PUBLISHES, Saboteur.SWAPS_MESSAGES_OF_A_KEY})
  void threadsPublishConcurrently() {
    Destination queue = queue();
    RecordingHandler handled = RecordingHandler.done();
    subscribe(config(queue), handled);
    List<CompletableFuture<Void>> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      String key = "k" + i;
      threads.add(
          CompletableFuture.runAsync(
              () -> handOver(queue, key, 50).join(), body -> new Thread(body).start()));
    }
    threads.forEach(CompletableFuture::join);
    await("200 handled", () -> handled.count() >= 200);
    for (int i = 0; i < 4; i++) {
      assertThat(handled.firstOfKey("k" + i)).isEqualTo(idsFrom("k" + i, 50));
    }
    stays("no more than 200 deliveries", () -> handled.count() == 200);
  }

  private CompletableFuture<Void> handOver(Destination to, String key, int count) {
    return CompletableFuture.allOf(
            idsFrom(key, count).stream()
                .map(id -> transport.publisher().publish(to, message(id, key)))
                .map(CompletionStage::toCompletableFuture)
                .toArray(CompletableFuture<?>[]::new))
        .orTimeout(harness.limit().toNanos(), TimeUnit.NANOSECONDS);
  }

  private static List<String> idsFrom(String key, int count) {
    return IntStream.range(0, count).mapToObj(i -> key + "-" + i).toList();
  }

  @Test
  @DisplayName("Each of 400 confirmed messages is handled once when nothing fails")
  @BrokenBy({Saboteur.DUPLICATES_PUBLISHES, Saboteur.LOSES_SOME_PUBLISHES})
  void eachConfirmedMessageIsHandledOnce() throws Exception {
    Destination queue = queue();
    RecordingHandler handled = RecordingHandler.done();
    subscribe(config(queue), handled);
    List<String> published = new ArrayList<>();
    List<CompletableFuture<PublishReceipt>> receipts = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      published.add("m" + i);
      CompletionStage<PublishReceipt> stage =
          transport.publisher().publish(queue, message("m" + i, "k" + i % 40));
      receipts.add(stage.toCompletableFuture());
    }
    for (CompletableFuture<PublishReceipt> receipt : receipts) {
      receipt.get(harness.limit().toNanos(), TimeUnit.NANOSECONDS);
    }
    await("400 handled", () -> handled.count() >= 400);
    stays("no more than 400 deliveries", () -> handled.count() == 400);
    assertThat(handled.ids()).containsExactlyInAnyOrderElementsOf(published);
  }
}
