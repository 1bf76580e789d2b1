package io.commslib.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.codec.Codec;
import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.codec.TypedHandler;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Capability;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletionException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Provokes each error code of the core and of the in-memory transport. */
class ErrorCodesTest {

  private static final Destination ORDERS = Destination.queue("orders");
  private static final MessageHandler DONE = delivery -> Settlement.done();

  private final VirtualTime time = VirtualTime.create();
  private final InMemoryTransport transport =
      InMemoryTransport.builder()
          .source("test")
          .runtime(time)
          .maxMessageBytes(1024)
          .maxBacklog(1)
          .build();

  @AfterEach
  void close() {
    transport.close();
  }

  private static void refused(FailureKind kind, String message, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            CommsException.class,
            e -> {
              assertThat(e.getMessage()).isEqualTo(message);
              assertThat(message).startsWith(e.code() + ": ");
              assertThat(e.kind()).isEqualTo(kind);
            });
  }

  private void publish(Destination to, Message message) {
    try {
      transport.publisher().publish(to, message).toCompletableFuture().join();
    } catch (CompletionException e) {
      throw (PublishException) e.getCause();
    }
  }

  private static Message message() {
    return message("order.placed").build();
  }

  private static Message.Builder message(String type) {
    return Message.builder(type).id("id-1");
  }

  @Test
  void transports() {
    transport.declare(DestinationConfig.builder(ORDERS).build());
    refused(
        FailureKind.PERMANENT,
        "COMMS-CORE-002: require: DURABLE (expected: nothing that needs DURABLE, which transport"
            + " memory does not have)",
        () ->
            transport
                .subscriber()
                .subscribe(
                    SubscriptionConfig.builder(ORDERS).require(Capability.DURABLE).build(), DONE));
    transport.close();
    refused(
        FailureKind.CANCELLED,
        "COMMS-CORE-001: transport memory: closed (expected: open; a closed one does not open"
            + " again)",
        () -> publish(ORDERS, message()));
  }

  @Test
  void publishingInMemory() {
    refused(
        FailureKind.TRANSIENT,
        "COMMS-MEMORY-001: destination: queue:orders (expected: one that this transport has"
            + " declared, by declare) (NOT_SENT, queue:orders, message id-1)",
        () -> publish(ORDERS, message()));
    Destination events = Destination.topic("events");
    transport.declare(DestinationConfig.builder(events).build());
    refused(
        FailureKind.TRANSIENT,
        "COMMS-MEMORY-002: groups: none (expected: one or more, or a destination that was declared"
            + " optional) (NOT_SENT, topic:events, message id-1)",
        () -> publish(events, message()));
    transport.declare(DestinationConfig.builder(ORDERS).build());
    refused(
        FailureKind.PERMANENT,
        "COMMS-MEMORY-003: message bytes: 1025 (expected: 0..1024, maxMessageBytes of the"
            + " transport) (NOT_SENT, queue:orders, message id-1)",
        () -> publish(ORDERS, message("large").body(new byte[1025]).build()));
    refused(
        FailureKind.PERMANENT,
        "COMMS-MEMORY-005: deliverAt: 2030-01-01T00:00:00Z (expected: none, as this transport has"
            + " no DELAYED_DELIVERY; the outbox has) (NOT_SENT, queue:orders, message id-1)",
        () ->
            publish(
                ORDERS, message("later").deliverAt(Instant.parse("2030-01-01T00:00:00Z")).build()));
    publish(ORDERS, message());
    refused(
        FailureKind.TRANSIENT,
        "COMMS-MEMORY-004: backlog: 1 (expected: less than 1, maxBacklog of the transport)"
            + " (NOT_SENT, queue:orders, message id-1)",
        () -> publish(ORDERS, message()));
  }

  @Test
  void declaringAndSubscribingInMemory() {
    refused(
        FailureKind.PERMANENT,
        "COMMS-MEMORY-006: destination: queue:orders (expected: one that this transport has"
            + " declared, by declare)",
        () -> transport.subscriber().subscribe(SubscriptionConfig.builder(ORDERS).build(), DONE));
    refused(
        FailureKind.PERMANENT,
        "COMMS-MEMORY-006: queue:orders does not exist (expected: it does, it was declared"
            + " verify-only)",
        () -> transport.declare(DestinationConfig.builder(ORDERS).verifyOnly().build()));
    transport.declare(DestinationConfig.builder(ORDERS).build());
    refused(
        FailureKind.PERMANENT,
        "COMMS-MEMORY-006: group: other (expected: one of [main])",
        () -> transport.deadLetters().list(ORDERS, "other", 1));
    refused(
        FailureKind.PERMANENT,
        "COMMS-MEMORY-007: queue:orders optional: true (expected: false, as declared before)",
        () -> transport.declare(DestinationConfig.builder(ORDERS).optional().build()));
    refused(
        FailureKind.PERMANENT,
        "COMMS-MEMORY-008: group: other (expected: [main], the group of queue:orders)",
        () ->
            transport
                .subscriber()
                .subscribe(SubscriptionConfig.builder(ORDERS, "other").build(), DONE));
  }

  @Test
  void types() {
    TypeRegistry types =
        TypeRegistry.builder(new TextCodec())
            .register("text", String.class)
            .register("number", Integer.class)
            .build();
    refused(
        FailureKind.PERMANENT,
        "COMMS-CORE-011: class: java.lang.Long (expected: one that is registered in the"
            + " TypeRegistry, for a type of [number v1, text v1])",
        () -> types.message(1L));
    refused(
        FailureKind.PERMANENT,
        "COMMS-CORE-012: type: order.placed v1 (expected: one that is registered in the"
            + " TypeRegistry: [number v1, text v1])",
        () -> types.decode(message()));
    TypedHandler handler =
        TypedHandler.builder(types).on(Integer.class, (event, at) -> Settlement.done()).build();
    transport.declare(DestinationConfig.builder(ORDERS).build());
    transport.subscriber().subscribe(SubscriptionConfig.builder(ORDERS).build(), handler);
    publish(ORDERS, types.message("hello").build());
    time.advance(Duration.ofSeconds(1));
    DeadLetter letter = transport.deadLetters().list(ORDERS, "main", 1).get(0);
    assertThat(letter.reason()).isEqualTo("COMMS-CORE-013");
    assertThat(letter.cause().get("last-cause"))
        .endsWith(
            "COMMS-CORE-013: type: text (expected: one with a handler on(String.class, ...) of the"
                + " TypedHandler)");
  }

  private static final class TextCodec implements Codec {
    @Override
    public String contentType() {
      return "text/plain";
    }

    @Override
    public byte[] encode(Object value) {
      return new byte[0];
    }

    @Override
    public <T> T decode(byte[] bytes, Class<T> type) {
      return type.cast("text");
    }
  }
}
