package io.commslib.core.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.commslib.core.format.PlainFormatBuilder;
import io.commslib.core.format.ValueSource;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.messaging.UnknownTypeException;
import io.commslib.core.time.VirtualTime;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TypedHandlerTest {

  private static final Destination TOPIC = Destination.topic("orders");

  private record OrderCreated(String id) {}

  private record OrderPaid(String id) {}

  /** The body is the id of the event. */
  private static final class IdCodec implements Codec {
    @Override
    public String contentType() {
      return "text/plain";
    }

    @Override
    public byte[] encode(Object value) {
      throw new UnsupportedOperationException();
    }

    @Override
    public <T> T decode(byte[] bytes, Class<T> type) {
      String id = new String(bytes, StandardCharsets.UTF_8);
      return type.cast(type == OrderCreated.class ? new OrderCreated(id) : new OrderPaid(id));
    }
  }

  /** Reads records of the type {@code other} as those of an unknown type. */
  private static final class WithoutOther implements MessageFormat {
    private final MessageFormat all =
        PlainFormatBuilder.bytes("text/plain").type(ValueSource.header("kind")).build();

    @Override
    public String name() {
      return "test";
    }

    @Override
    public Message read(ForeignRecord record) {
      Message message = all.read(record);
      if (message.type().equals("other")) {
        throw new UnknownTypeException("COMMS-CORE-032", "type: other", message);
      }
      return message;
    }

    @Override
    public ForeignRecord write(Message message) {
      return all.write(message);
    }

    @Override
    public boolean alwaysFindsId() {
      return all.alwaysFindsId();
    }
  }

  private final TypeRegistry types =
      TypeRegistry.builder(new IdCodec())
          .register("order.created", OrderCreated.class)
          .register("order.paid", OrderPaid.class)
          .build();
  private final List<String> shipped = new ArrayList<>();
  private final VirtualTime time = VirtualTime.create();
  private final InMemoryTransport transport = InMemoryTransport.builder().runtime(time).build();

  @AfterEach
  void close() {
    transport.close();
  }

  private TypedHandler.Builder handler() {
    return TypedHandler.builder(types)
        .on(
            OrderCreated.class,
            (event, delivery) -> {
              shipped.add(event.id());
              return Settlement.done();
            });
  }

  private Subscription handled(TypedHandler handler, Message... messages) {
    transport.declare(DestinationConfig.builder(TOPIC).group("ship").build());
    Subscription subscription =
        transport
            .subscriber()
            .subscribe(SubscriptionConfig.builder(TOPIC, "ship").build(), handler);
    for (Message message : messages) {
      transport.publisher().publish(TOPIC, message).toCompletableFuture().join();
    }
    time.advance(Duration.ofSeconds(1));
    return subscription;
  }

  private static Message message(String type, int version) {
    return Message.builder(type)
        .version(version)
        .id(type + version)
        .body(type.getBytes(StandardCharsets.UTF_8))
        .build();
  }

  private List<String> deadLetters() {
    return transport.deadLetters().list(TOPIC, "ship", 10).stream()
        .map(DeadLetter::reason)
        .toList();
  }

  @Test
  void anotherTypeOnTheTopicIsDropped() {
    Subscription subscription =
        handled(
            handler().otherwise(Settlement.drop("NOT_MINE")).build(),
            message("payment.failed", 1),
            message("order.paid", 1),
            message("order.created", 1));
    assertThat(shipped).containsExactly("order.created");
    assertThat(subscription.snapshot().count(Count.DROPPED)).isEqualTo(2);
    assertThat(subscription.snapshot().count(Count.DONE)).isEqualTo(1);
    assertThat(deadLetters()).isEmpty();
  }

  @Test
  void anotherTypeIsADeadLetterUnlessTheHandlerSaysOtherwise() {
    handled(handler().build(), message("payment.failed", 1), message("order.paid", 1));
    assertThat(deadLetters()).containsExactly("COMMS-CORE-012", "COMMS-CORE-013");
  }

  @Test
  void anUnknownVersionOfAKnownTypeIsADeadLetterNevertheless() {
    handled(handler().otherwise(Settlement.drop("NOT_MINE")).build(), message("order.created", 2));
    assertThat(deadLetters()).containsExactly("COMMS-CORE-012");
  }

  @Test
  void otherTypesCanBeDeadLetteredWithAReason() {
    handled(
        handler().otherwise(Settlement.deadLetter("NOT_MINE")).build(),
        message("payment.failed", 1));
    assertThat(deadLetters()).containsExactly("NOT_MINE");
  }

  @Test
  void aHandlerInsideOfAnotherOneStillSettlesTypesThatTheFormatDoesNotKnow() {
    transport.declare(
        DestinationConfig.builder(TOPIC).group("ship").format(new WithoutOther()).build());
    assertThat(handler().build().wrappedIn(delivery -> Settlement.done()).acceptsUnknownTypes())
        .isFalse();
    TypedHandler handler = handler().otherwise(Settlement.drop("NOT_MINE")).build();
    MessageHandler lambda = delivery -> handler.handle(delivery);
    assertThat(lambda.acceptsUnknownTypes()).isFalse();
    List<String> seen = new ArrayList<>();
    MessageHandler wrapped =
        handler.wrappedIn(
            delivery -> {
              seen.add(delivery.message().type());
              return handler.handle(delivery);
            });
    assertThat(wrapped.acceptsUnknownTypes()).isTrue();
    transport.subscriber().subscribe(SubscriptionConfig.builder(TOPIC, "ship").build(), wrapped);
    for (String type : List.of("order.created", "other")) {
      Message message =
          Message.builder(type).contentType("text/plain").body(new byte[] {'1'}).build();
      transport.publisher().publish(TOPIC, message).toCompletableFuture().join();
    }
    time.advance(Duration.ofSeconds(1));
    assertThat(seen).containsExactly("order.created", "other");
    assertThat(deadLetters()).isEmpty();
  }

  @Test
  void aSettlementThatRepeatsIsRefused() {
    for (Settlement repeats : List.of(Settlement.retry(), Settlement.giveBack())) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> handler().otherwise(repeats))
          .withMessageContaining("otherwise");
    }
  }
}
