package io.commslib.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.commslib.core.codec.Codec;
import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.codec.TypedHandler;
import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Common mistakes are refused immediately, with the setting, the value and the rule. */
class ClearErrorsTest {

  private static final Destination ORDERS = Destination.queue("orders");

  interface Event {}

  abstract static class AbstractEvent implements Event {}

  enum Plain {
    A
  }

  enum WithBodies {
    A {
      @Override
      int value() {
        return 1;
      }
    };

    int value() {
      return 0;
    }
  }

  enum Abstract {
    A {
      @Override
      int value() {
        return 1;
      }
    };

    abstract int value();
  }

  private static final class UnusedCodec implements Codec {
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
      throw new UnsupportedOperationException();
    }
  }

  @ParameterizedTest
  @ValueSource(
      classes = {
        Event.class,
        AbstractEvent.class,
        WithBodies.class,
        Abstract.class,
        int.class,
        Override.class,
        List.class
      })
  void aClassWithoutDirectInstancesIsRefusedAsEventType(Class<?> type) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TypeRegistry.builder(new UnusedCodec()).register("event", type))
        .withMessageStartingWith(
            "class: " + type.getName() + " (expected: the exact class of events")
        .withMessageEndingWith(")");
  }

  @ParameterizedTest
  @ValueSource(classes = {Plain.class, byte[].class, String.class, Message.class})
  void aClassWithDirectInstancesIsAcceptedAsEventType(Class<?> type) {
    assertThat(
            TypeRegistry.builder(new UnusedCodec()).register("event", type).build().contains(type))
        .isTrue();
  }

  @Test
  void aTypedHandlerWithoutAMethodIsRefused() {
    TypeRegistry types =
        TypeRegistry.builder(new UnusedCodec()).register("event", Plain.class).build();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TypedHandler.builder(types).build())
        .withMessage("on: none (expected: a handler for one class or more)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "\t\n"})
  void aBlankReasonOfASettlementIsRefused(String reason) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Settlement.deadLetter(reason))
        .withMessageEndingWith("(expected: a text that is not blank)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Settlement.drop(reason))
        .withMessageStartingWith("reason: '");
  }

  @Test
  void anEngineNamesItsMissingSetting() {
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                DeliveryEngine.builder(
                        SubscriptionConfig.builder(ORDERS).build(), delivery -> Settlement.done())
                    .build())
        .withMessage("runtime: none (expected: set by runtime(...) of the builder)");
  }

  @Test
  void aNullSettlementIsReportedWithTheHandlerInTheDeadLetter() {
    assertThat(deadLetterOf(SubscriptionConfig.builder(ORDERS).name("stock"), delivery -> null))
        .contains(
            "COMMS-CORE-014: the handler of stock returned null (expected: a Settlement, from a"
                + " batch handler one for each delivery)");
  }

  @Test
  void aWrongNumberOfBatchSettlementsIsReportedInTheDeadLetter() {
    SubscriptionConfig.Builder batches =
        SubscriptionConfig.builder(ORDERS).batch(BatchBounds.of(10));
    assertThat(deadLetterOf(batches, (Batch) batch -> null))
        .contains("COMMS-CORE-014: settlements of a batch of 1: null");
    assertThat(deadLetterOf(batches, (Batch) batch -> List.of()))
        .contains(
            "COMMS-CORE-014: settlements of a batch of 1: 0 (expected: one for each delivery)");
  }

  private interface Batch extends BatchHandler {
    @Override
    List<Settlement> handleAll(List<Delivery> batch);
  }

  private static String deadLetterOf(SubscriptionConfig.Builder config, MessageHandler handler) {
    VirtualTime time = VirtualTime.create();
    try (InMemoryTransport transport = InMemoryTransport.builder().runtime(time).build()) {
      transport.declare(DestinationConfig.builder(ORDERS).build());
      transport.subscriber().subscribe(config.build(), handler);
      transport
          .publisher()
          .publish(ORDERS, Message.builder("order.placed").build())
          .toCompletableFuture()
          .join();
      time.advance(Duration.ofHours(1));
      return transport.deadLetters().list(ORDERS, "main", 1).get(0).cause().toString();
    }
  }

  @Test
  void aSizeLimitNamesItsSetting() {
    try (InMemoryTransport transport =
        InMemoryTransport.builder().source("test").maxMessageBytes(1024).build()) {
      transport.declare(DestinationConfig.builder(ORDERS).build());
      Message large = Message.builder("large").body(new byte[1025]).build();
      assertThat(transport.publisher().publish(ORDERS, large))
          .failsWithin(Duration.ofSeconds(10))
          .withThrowableThat()
          .withMessageContaining(
              "message bytes: 1025 (expected: 0..1024, maxMessageBytes of the transport)");
    }
  }
}
