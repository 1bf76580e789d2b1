package io.commslib.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.codec.Codec;
import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Capability;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.TypedHandler;
import io.commslib.core.time.VirtualTime;
import java.time.Instant;
import java.util.concurrent.CompletionException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Each code of the core and of the in-memory transport, provoked. */
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

  private static void refused(String code, FailureKind kind, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            CommsException.class,
            e -> {
              assertThat(e.code()).isEqualTo(code);
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
    return Message.builder("order.placed").build();
  }

  @Test
  void transports() {
    transport.declare(DestinationConfig.builder(ORDERS).build());
    refused(
        "COMMS-CORE-002",
        FailureKind.PERMANENT,
        () ->
            transport
                .subscriber()
                .subscribe(
                    SubscriptionConfig.builder(ORDERS).require(Capability.DURABLE).build(), DONE));
    transport.close();
    refused("COMMS-CORE-001", FailureKind.CANCELLED, () -> publish(ORDERS, message()));
  }

  @Test
  void publishingInMemory() {
    refused("COMMS-MEMORY-001", FailureKind.PERMANENT, () -> publish(ORDERS, message()));
    Destination events = Destination.topic("events");
    transport.declare(DestinationConfig.builder(events).build());
    refused("COMMS-MEMORY-002", FailureKind.TRANSIENT, () -> publish(events, message()));
    transport.declare(DestinationConfig.builder(ORDERS).build());
    refused(
        "COMMS-MEMORY-003",
        FailureKind.PERMANENT,
        () -> publish(ORDERS, Message.builder("large").body(new byte[1025]).build()));
    refused(
        "COMMS-MEMORY-005",
        FailureKind.PERMANENT,
        () ->
            publish(
                ORDERS,
                Message.builder("later").deliverAt(Instant.parse("2030-01-01T00:00:00Z")).build()));
    publish(ORDERS, message());
    refused("COMMS-MEMORY-004", FailureKind.TRANSIENT, () -> publish(ORDERS, message()));
  }

  @Test
  void declaringAndSubscribingInMemory() {
    refused(
        "COMMS-MEMORY-006",
        FailureKind.PERMANENT,
        () -> transport.subscriber().subscribe(SubscriptionConfig.builder(ORDERS).build(), DONE));
    transport.declare(DestinationConfig.builder(ORDERS).build());
    refused(
        "COMMS-MEMORY-007",
        FailureKind.PERMANENT,
        () -> transport.declare(DestinationConfig.builder(ORDERS).optional().build()));
    refused(
        "COMMS-MEMORY-008",
        FailureKind.PERMANENT,
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
    refused("COMMS-CORE-011", FailureKind.PERMANENT, () -> types.message(1L));
    refused("COMMS-CORE-012", FailureKind.PERMANENT, () -> types.decode(message()));
    TypedHandler handler =
        TypedHandler.builder(types).on(Integer.class, (event, at) -> Settlement.done()).build();
    transport.declare(DestinationConfig.builder(ORDERS).build());
    transport.subscriber().subscribe(SubscriptionConfig.builder(ORDERS).build(), handler);
    publish(ORDERS, types.message("hello").build());
    time.advance(java.time.Duration.ofSeconds(1));
    assertThat(transport.deadLetters().list(ORDERS, "main", 1).get(0).reason())
        .isEqualTo("COMMS-CORE-013");
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
