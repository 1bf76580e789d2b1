package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.servers.KafkaServer;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;

/** Error codes with value, rule and setting; the other codes are tested with their faults. */
class KafkaErrorCodesIT {

  private static final Destination QUEUE = Destination.queue("codes");

  private static KafkaTransportConfig.Builder config(String servers) {
    return KafkaTransportConfig.builder(servers).maxMessageBytes(1024);
  }

  private static Message.Builder message() {
    return Message.builder("t").id("m");
  }

  private static AbstractThrowableAssert<?, ?> rejected(KafkaTransport transport, Message message) {
    return assertThatThrownBy(
            () ->
                transport
                    .publisher()
                    .publish(QUEUE, message)
                    .toCompletableFuture()
                    .get(30, TimeUnit.SECONDS))
        .cause();
  }

  private static AbstractThrowableAssert<?, ?> subscribed(KafkaTransport transport, String group) {
    return assertThatThrownBy(
        () ->
            transport
                .subscriber()
                .subscribe(
                    SubscriptionConfig.builder(QUEUE, group).build(),
                    delivery -> Settlement.done()));
  }

  @Test
  void errorsOfTheCallerNameValueRuleAndSetting() {
    try (KafkaTransport transport =
        KafkaTransport.create(config(KafkaServer.shared().bootstrapServers()).build())) {
      rejected(transport, message().build())
          .hasMessage(
              "COMMS-KAFKA-001: destination: queue:codes (expected: one that this transport has"
                  + " declared, by declare) (NOT_SENT, queue:codes, message m)");
      subscribed(transport, "main")
          .hasMessage(
              "COMMS-KAFKA-001: destination: queue:codes (expected: one that this transport has"
                  + " declared, by declare)");
      assertThatThrownBy(() -> transport.deadLetters().list(QUEUE, "none", 1))
          .hasMessage(
              "COMMS-KAFKA-007: dead letters of queue:codes: IllegalStateException: group: none"
                  + " (expected: one that has a topic codes.queue.none.dlq)");
      transport.declare(DestinationConfig.builder(QUEUE).partitions(1).build());
      rejected(transport, message().body(new byte[1025]).build())
          .hasMessage(
              "COMMS-KAFKA-003: message bytes: 1025 (expected: 0..1024, maxMessageBytes of the"
                  + " transport) (NOT_SENT, queue:codes, message m)");
      rejected(transport, message().deliverAt(Instant.parse("2030-01-01T00:00:00Z")).build())
          .hasMessage(
              "COMMS-KAFKA-005: deliverAt: 2030-01-01T00:00:00Z (expected: none, as this transport"
                  + " has no DELAYED_DELIVERY; the outbox has) (NOT_SENT, queue:codes, message m)");
      subscribed(transport, "other")
          .hasMessage("COMMS-KAFKA-012: group: other (expected: [main], the group of queue:codes)");
    }
  }

  @Test
  void aDeclarationThatTheBrokerRejectsQuotesTheBroker() {
    String servers = KafkaServer.shared().bootstrapServers();
    try (KafkaTransport transport =
        KafkaTransport.create(config(servers).replicationFactor(3).build())) {
      assertThatThrownBy(
              () ->
                  transport.declare(
                      DestinationConfig.builder(Destination.topic("copies")).optional().build()))
          .hasMessageStartingWith(
              "COMMS-KAFKA-006: create topic copies at "
                  + servers
                  + ": InvalidReplicationFactorException: Unable to replicate the partition 3"
                  + " time(s)");
    }
  }

  @Test
  void aLateAnswerNamesTheTimeout() {
    assertThat(
            KafkaErrors.subscribe(
                "describe topic t at h:1",
                KafkaErrors.noAnswer("operationTimeout", Duration.ofSeconds(15))))
        .hasMessage(
            "COMMS-KAFKA-006: describe topic t at h:1: TimeoutException: no answer (expected: one"
                + " within PT15S, operationTimeout)");
  }
}
