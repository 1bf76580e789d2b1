package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.NetworkException;
import org.apache.kafka.common.errors.OutOfOrderSequenceException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class KafkaSenderTest {

  private static final Destination TO = Destination.topic("t");

  private final VirtualTime time = VirtualTime.create();
  private final ScriptedProducer client = new ScriptedProducer();
  private final ScriptedProducer successor = new ScriptedProducer();
  private final AtomicInteger created = new AtomicInteger();
  private Set<String> existing = Set.of();
  private int checks;
  private final MissingTopics missing = new MissingTopics(time, this::describe);
  private final KafkaSender sender =
      new KafkaSender(
          KafkaTransportConfig.builder("host:9092").build(), time, missing, this::newClient);

  private Producer<byte[], byte[]> newClient() {
    int number = created.getAndIncrement();
    if (number == 1) {
      throw new KafkaException("planted: no name could be looked up");
    }
    return number == 0 ? client : successor;
  }

  private Map<String, CompletionStage<?>> describe(Set<String> topics) {
    checks++;
    Map<String, CompletionStage<?>> answers = new HashMap<>();
    for (String topic : topics) {
      answers.put(
          topic,
          existing.contains(topic)
              ? CompletableFuture.completedStage("description")
              : CompletableFuture.failedStage(new UnknownTopicOrPartitionException("planted")));
    }
    return answers;
  }

  private CompletableFuture<PublishReceipt> send() {
    return sender.send(new ProducerRecord<>("t", new byte[0]), TO, "m").toCompletableFuture();
  }

  private Health health() {
    return sender.health(Map.of());
  }

  @Test
  void healthCarriesTheAgeOfTheOldestUnconfirmedPublish() {
    CompletableFuture<PublishReceipt> first = send();
    time.advance(Duration.ofSeconds(3));
    CompletableFuture<PublishReceipt> second = send();
    time.advance(Duration.ofSeconds(2));
    assertThat(health().details())
        .containsEntry("oldestUnconfirmed", "PT5S")
        .containsEntry("waitingForRoom", "0");
    client.completeNext();
    assertThat(first).isCompleted();
    assertThat(health().details()).containsEntry("oldestUnconfirmed", "PT2S");
    client.errorNext(new TimeoutException("planted"));
    assertThat(second).isCompletedExceptionally();
    assertThat(health().details()).containsEntry("oldestUnconfirmed", "PT0S");
  }

  @Test
  void aFailedPublishIsReportedForAWhileAndARejectedMessageIsNot() {
    CompletableFuture<PublishReceipt> rejected = send();
    client.errorNext(new RecordTooLargeException("planted"));
    assertThat(rejected).isCompletedExceptionally();
    assertThat(health().status()).isEqualTo(Health.Status.UP);
    CompletableFuture<PublishReceipt> failed = send();
    client.errorNext(new TimeoutException("planted"));
    assertThat(failed).isCompletedExceptionally();
    assertThat(health().status()).isEqualTo(Health.Status.DOWN);
    assertThat(health().reason()).isEqualTo("TimeoutException");
    time.advance(Duration.ofSeconds(6));
    assertThat(health().status()).isEqualTo(Health.Status.UP);
  }

  @Test
  void rejectedAndUnconfirmedPublishesQuoteTheClient() {
    CompletableFuture<PublishReceipt> rejected = send();
    client.errorNext(
        new RecordTooLargeException(
            "The message is 2 bytes when serialized which is larger than 1, which is the value of"
                + " the max.request.size configuration."));
    assertThatThrownBy(rejected::join)
        .cause()
        .hasMessage(
            "COMMS-KAFKA-003: RecordTooLargeException: The message is 2 bytes when serialized which"
                + " is larger than 1, which is the value of the max.request.size configuration."
                + " (NOT_SENT, topic:t, message m)");
    CompletableFuture<PublishReceipt> late = send();
    client.errorNext(new TimeoutException("Expiring 1 record(s) for t-0"));
    assertThatThrownBy(late::join)
        .cause()
        .hasMessage(
            "COMMS-KAFKA-004: TimeoutException: Expiring 1 record(s) for t-0 (expected: a"
                + " confirmation within PT15S, publishTimeout) (MAYBE_SENT, topic:t, message m)");
    CompletableFuture<PublishReceipt> lost = send();
    client.errorNext(new NetworkException("Disconnected from node 0"));
    assertThatThrownBy(lost::join)
        .cause()
        .hasMessage(
            "COMMS-KAFKA-004: NetworkException: Disconnected from node 0 (MAYBE_SENT, topic:t,"
                + " message m)");
  }

  @Test
  void aTopicThatTheBrokerReportsAsUnknownIsMissingToo() {
    CompletableFuture<PublishReceipt> deleted = send();
    client.errorNext(new UnknownTopicOrPartitionException("planted"));
    assertThatThrownBy(deleted::join)
        .cause()
        .isInstanceOfSatisfying(
            PublishException.class,
            e -> assertThat(e.certainty()).isEqualTo(SendCertainty.MAYBE_SENT));
    assertThat(health().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(health().reason()).isEqualTo("topics not found: [t]");
    assertThat(send()).isCompletedExceptionally();
    assertThat(client.sends).isEqualTo(1);
    existing = Set.of("t");
    time.advance(MissingTopics.PERIOD);
    assertThat(health().status()).isEqualTo(Health.Status.UP);
    assertThat(send()).isNotDone();
  }

  @Test
  void aProducerThatPublishesNothingMoreIsReplaced() {
    CompletableFuture<PublishReceipt> rejected = send();
    CompletableFuture<PublishReceipt> inFlight = send();
    ClusterAuthorizationException failure = new ClusterAuthorizationException("planted");
    client.errorNext(failure);
    // The client fails all its messages with the failure that was fatal to it.
    client.errorNext(failure);
    for (CompletableFuture<PublishReceipt> publish : List.of(rejected, inFlight)) {
      assertThatThrownBy(publish::join)
          .cause()
          .isInstanceOfSatisfying(
              PublishException.class,
              e -> {
                assertThat(e.kind()).isEqualTo(FailureKind.TRANSIENT);
                assertThat(e.certainty()).isEqualTo(SendCertainty.MAYBE_SENT);
              });
    }
    time.advance(Duration.ofMillis(900));
    assertThat(health().status()).isEqualTo(Health.Status.DOWN);
    assertThat(health().reason())
        .isEqualTo(
            "the producer is in a fatal state and is being replaced: ClusterAuthorizationException");
    client.thrown =
        new KafkaException(
            "Cannot execute transactional method because we are in an error state", failure);
    assertThatThrownBy(send()::join)
        .cause()
        .isInstanceOfSatisfying(
            PublishException.class,
            e -> assertThat(e.certainty()).isEqualTo(SendCertainty.MAYBE_SENT));
    // The first attempt to create another producer fails.
    time.advance(Duration.ofMillis(100));
    await(() -> created.get() == 2);
    await(
        () -> {
          time.advance(Duration.ofSeconds(1));
          return created.get() == 3;
        });
    await(client::closed);
    CompletableFuture<PublishReceipt> sent = send();
    assertThat(successor.completeNext()).isTrue();
    assertThat(sent).isCompleted();
    assertThat(health().status()).isEqualTo(Health.Status.UP);
    sender.close();
    assertThat(successor.closed()).isTrue();
  }

  @Test
  void aProducerIsNotReplacedAfterAFailureThatItSurvivesOrAfterClose() {
    for (RuntimeException survived :
        List.of(
            new TimeoutException("planted"),
            new NetworkException("planted"),
            new OutOfOrderSequenceException("planted"),
            new SaslAuthenticationException("planted"),
            new TopicAuthorizationException("planted"))) {
      assertThat(send()).isNotDone();
      client.errorNext(survived);
    }
    time.advance(Duration.ofMinutes(1));
    CompletableFuture<PublishReceipt> last = send();
    sender.close();
    client.errorNext(new ClusterAuthorizationException("planted"));
    assertThat(last).isCompletedExceptionally();
    time.advance(Duration.ofMinutes(1));
    assertThat(created).hasValue(1);
  }

  /** Waits in real time for a separate thread. */
  private static void await(BooleanSupplier condition) {
    long limit = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - limit).as("timed out").isNegative();
      Thread.onSpinWait();
    }
  }

  @Test
  void aPublishWithoutAnyOutcomeIsReported() {
    var unused = send();
    time.advance(Duration.ofSeconds(41));
    assertThat(health().status()).isEqualTo(Health.Status.DOWN);
    assertThat(health().reason()).isEqualTo("a publish has had no outcome for 41 s");
  }

  @Test
  void anErrorInTheClientFailsOnlyItsPublish() {
    client.error = new NoClassDefFoundError("planted");
    CompletableFuture<PublishReceipt> failed = send();
    assertThatThrownBy(failed::join)
        .cause()
        .isInstanceOfSatisfying(
            PublishException.class,
            e -> assertThat(e.certainty()).isEqualTo(SendCertainty.MAYBE_SENT))
        .hasCauseInstanceOf(NoClassDefFoundError.class);
    assertThat(health().details()).containsEntry("oldestUnconfirmed", "PT0S");
    client.error = null;
    CompletableFuture<PublishReceipt> sent = send();
    client.completeNext();
    assertThat(sent).isCompleted();
  }

  @Test
  void nothingIsThrownOnTheClientsThread() {
    CompletableFuture<PublishReceipt> failed = send();
    // The client calls back with an exception whose text can't be read.
    client.errorNext(
        new TimeoutException("") {
          @Override
          public String getMessage() {
            throw new OutOfMemoryError("planted");
          }
        });
    assertThat(failed).isCompletedExceptionally();
    assertThat(health().details()).containsEntry("oldestUnconfirmed", "PT0S");
  }

  @Test
  void onlyTheFirstPublishToAMissingTopicReachesTheClientUntilTheTopicIsFound() {
    client.rejections.add(new TimeoutException("Topic t not present in metadata after 1875 ms."));
    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(send()::join)
          .cause()
          .isInstanceOfSatisfying(
              PublishException.class,
              e -> {
                assertThat(e.kind()).isEqualTo(FailureKind.TRANSIENT);
                assertThat(e.certainty()).isEqualTo(SendCertainty.NOT_SENT);
              })
          .hasMessage(
              "COMMS-KAFKA-004: TimeoutException: Topic t not present in metadata after 1875 ms."
                  + " (expected: a topic that the cluster knows; checked every 1 s) (NOT_SENT,"
                  + " topic:t, message m)");
    }
    assertThat(client.sends).isEqualTo(1);
    assertThat(sender.partitions("t")).isZero();
    assertThat(health().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(health().reason()).isEqualTo("topics not found: [t]");
    time.advance(Duration.ofSeconds(5));
    assertThat(checks).isEqualTo(5);
    assertThat(send()).isCompletedExceptionally();
    existing = Set.of("t");
    time.advance(MissingTopics.PERIOD);
    CompletableFuture<PublishReceipt> sent = send();
    client.completeNext();
    assertThat(sent).isCompleted();
    assertThat(health().status()).isEqualTo(Health.Status.UP);
    time.advance(Duration.ofSeconds(5));
    assertThat(checks).as("none while no topic is missing").isEqualTo(6);
  }

  @Test
  void aMissingTopicWithoutPublishesIsForgotten() {
    client.rejections.add(new TimeoutException("planted"));
    assertThat(send()).isCompletedExceptionally();
    time.advance(MissingTopics.UNUSED_LIMIT.plusSeconds(2));
    assertThat(health().status()).isEqualTo(Health.Status.UP);
  }

  @Test
  void aPublishWaitsForBufferCapacityInRoundsUpToThePublishTimeout() {
    BufferExhaustedException full = new BufferExhaustedException("planted");
    client.rejections.addAll(Collections.nCopies(7, full));
    CompletableFuture<PublishReceipt> sent = send();
    assertThat(sent).isNotDone();
    assertThat(client.sends).isEqualTo(8);
    client.completeNext();
    assertThat(sent).isCompleted();
    // 8 rounds of 1,875 ms each are the 15 s.
    client.rejections.addAll(Collections.nCopies(8, full));
    assertThatThrownBy(send()::join)
        .cause()
        .hasMessage(
            "COMMS-KAFKA-004: BufferExhaustedException: planted (expected: a confirmation within"
                + " PT15S, publishTimeout) (NOT_SENT, topic:t, message m)");
    assertThat(client.sends).isEqualTo(16);
    assertThat(health().details()).containsEntry("oldestUnconfirmed", "PT0S");
  }

  /** Like the client, does not catch errors of a callback. */
  private static final class ScriptedProducer extends MockProducer<byte[], byte[]> {
    @Nullable Error error;
    @Nullable RuntimeException thrown;

    /** Failures that the next calls report on the caller's thread. */
    final Deque<RuntimeException> rejections = new ArrayDeque<>();

    int sends;

    ScriptedProducer() {
      super(false, null, new ByteArraySerializer(), new ByteArraySerializer());
    }

    @Override
    public Future<RecordMetadata> send(ProducerRecord<byte[], byte[]> record, Callback callback) {
      sends++;
      if (error != null) {
        throw error;
      }
      if (thrown != null) {
        throw thrown;
      }
      RuntimeException rejection = rejections.poll();
      if (rejection != null) {
        callback.onCompletion(null, rejection);
        return CompletableFuture.failedFuture(rejection);
      }
      return super.send(record, callback);
    }
  }
}
