package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.Health;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.SystemRuntime;
import io.commslib.testkit.Await;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.commslib.testkit.servers.RabbitServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;

/**
 * Error codes of the adapter with value, rule and setting; other codes are tested with their
 * faults.
 */
class RabbitErrorCodesIT {

  private static final Destination QUEUE = Destination.queue("codes");

  private static Message.Builder message() {
    return Message.builder("t").id("m");
  }

  private static CompletableFuture<PublishReceipt> publish(
      RabbitTransport transport, Destination to, Message message) {
    return transport.publisher().publish(to, message).toCompletableFuture();
  }

  private static AbstractThrowableAssert<?, ?> refused(
      RabbitTransport transport, Destination to, Message message) {
    return failed(publish(transport, to, message));
  }

  private static AbstractThrowableAssert<?, ?> failed(CompletableFuture<PublishReceipt> result) {
    return assertThatThrownBy(() -> result.get(30, TimeUnit.SECONDS)).cause();
  }

  @Test
  void errorsOfTheCallerNameValueRuleAndSetting() {
    try (RabbitTransport transport =
        RabbitTransport.create(
            RabbitTransportConfig.builder(RabbitServer.shared().uri())
                .maxMessageBytes(1024)
                .build())) {
      refused(transport, QUEUE, message().build())
          .hasMessage(
              "COMMS-RABBIT-001: destination: queue:codes (expected: one that this transport has"
                  + " declared, by declare) (NOT_SENT, queue:codes, message m)");
      transport.declare(DestinationConfig.builder(QUEUE).build());
      refused(transport, QUEUE, message().body(new byte[1025]).build())
          .hasMessage(
              "COMMS-RABBIT-003: message bytes: 1025 (expected: 0..1024, maxMessageBytes of the"
                  + " transport) (NOT_SENT, queue:codes, message m)");
      refused(transport, QUEUE, message().deliverAt(Instant.parse("2030-01-01T00:00:00Z")).build())
          .hasMessage(
              "COMMS-RABBIT-005: deliverAt: 2030-01-01T00:00:00Z (expected: none, as this transport"
                  + " has no DELAYED_DELIVERY; the outbox has) (NOT_SENT, queue:codes, message m)");
      assertThatThrownBy(
              () ->
                  transport
                      .subscriber()
                      .subscribe(
                          SubscriptionConfig.builder(QUEUE, "other").build(),
                          delivery -> Settlement.done()))
          .hasMessage(
              "COMMS-RABBIT-012: group: other (expected: [main], the group of queue:codes)");
      Destination topic = Destination.topic("codes-without-a-group");
      transport.declare(DestinationConfig.builder(topic).build());
      refused(transport, topic, message().build())
          .hasMessage(
              "COMMS-RABBIT-004: queues: none for exchange 'codes-without-a-group' and routing key ''"
                  + " (expected: one or more, or a destination that was declared optional) (NOT_SENT, topic:codes-without-a-group, message m)");
    }
  }

  @Test
  void anUnresponsiveBrokerIsReportedWithTheSettings() throws Exception {
    URI server = URI.create(RabbitServer.shared().uri());
    try (TcpFaultProxy proxy =
            TcpFaultProxy.to(new InetSocketAddress(server.getHost(), server.getPort()));
        RabbitTransport transport =
            RabbitTransport.create(
                RabbitTransportConfig.builder("amqp://guest:guest@127.0.0.1:" + proxy.port())
                    .publishTimeout(Duration.ofSeconds(1))
                    .maxUnconfirmed(1)
                    .build())) {
      transport.declare(DestinationConfig.builder(QUEUE).build());
      proxy.blackHole(TcpFaultProxy.Direction.TO_CLIENT);
      CompletableFuture<PublishReceipt> unconfirmed =
          publish(transport, QUEUE, message().id("first").build());
      refused(transport, QUEUE, message().build())
          .hasMessage(
              "COMMS-RABBIT-009: unconfirmed publishes: 1 (expected: less than 1 within PT1S,"
                  + " maxUnconfirmed and publishTimeout) (NOT_SENT, queue:codes, message m)");
      failed(unconfirmed)
          .hasMessage(
              "COMMS-RABBIT-008: no confirm (expected: one within PT1S, publishTimeout)"
                  + " (MAYBE_SENT, queue:codes, message first)");
      proxy.refuse();
      proxy.cut();
      Await.until(
          "the loss is detected",
          Duration.ofSeconds(30),
          () -> transport.health().status() == Health.Status.DOWN);
      refused(transport, QUEUE, message().build())
          .hasMessageStartingWith(
              "COMMS-RABBIT-011: not connected to amqp://127.0.0.1:" + proxy.port() + ": ")
          .hasMessageEndingWith(" (NOT_SENT, queue:codes, message m)");
    }
  }

  @Test
  void aMarkerThatCanNotBeStoredNamesItsQueue() throws Exception {
    try (RawClient client = RawClient.connect(RabbitServer.shared().uri());
        SystemRuntime runtime = SystemRuntime.create()) {
      UnfinishedAttempts attempts =
          new UnfinishedAttempts(
              "codes-missing@.begun",
              RabbitTransportConfig.builder(RabbitServer.shared().uri()).build(),
              runtime);
      assertThatThrownBy(() -> attempts.begin(client.channel(), "m"))
          .hasMessage(
              "COMMS-RABBIT-014: attempt marker in codes-missing@.begun: NOT_FOUND - no queue"
                  + " 'codes-missing@.begun' in vhost '/'");
      assertThat(client.channel().isOpen()).isTrue();
    }
  }
}
