package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.Health;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.NetworkException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class KafkaSenderTest {

  private static final Destination TO = Destination.topic("t");

  private final VirtualTime time = VirtualTime.create();
  private final ScriptedProducer client = new ScriptedProducer();
  private final KafkaSender sender =
      new KafkaSender(KafkaTransportConfig.builder("host:9092").build(), time, client);

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
  void aFailedPublishIsShownForAWhileAndARefusedMessageIsNot() {
    CompletableFuture<PublishReceipt> refused = send();
    client.errorNext(new RecordTooLargeException("planted"));
    assertThat(refused).isCompletedExceptionally();
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
  void whatTheBrokerRefusesAndWhatItDoesNotConfirmIsToldInTheWordsOfTheClient() {
    CompletableFuture<PublishReceipt> refused = send();
    client.errorNext(
        new RecordTooLargeException(
            "The message is 2 bytes when serialized which is larger than 1, which is the value of"
                + " the max.request.size configuration."));
    assertThatThrownBy(refused::join)
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
  void aPublishWithoutAnyOutcomeIsShown() {
    var unused = send();
    time.advance(Duration.ofSeconds(41));
    assertThat(health().status()).isEqualTo(Health.Status.DOWN);
    assertThat(health().reason()).isEqualTo("a publish has had no outcome for 41 s");
  }

  @Test
  void anErrorOfTheClientFailsThePublishOnly() {
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
  void nothingIsThrownToTheClientsThread() {
    CompletableFuture<PublishReceipt> failed = send();
    // The client calls back with an exception whose text can't be had.
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

  /** Does not catch what a callback throws, as little as the client catches errors. */
  private static final class ScriptedProducer extends MockProducer<byte[], byte[]> {
    @Nullable Error error;

    ScriptedProducer() {
      super(false, null, new ByteArraySerializer(), new ByteArraySerializer());
    }

    @Override
    public Future<RecordMetadata> send(ProducerRecord<byte[], byte[]> record, Callback callback) {
      if (error != null) {
        throw error;
      }
      return super.send(record, callback);
    }
  }
}
