package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Rules of a binding that need no broker. */
class RabbitBindingTest {

  private static void refused(String text, ThrowingCallable call) {
    assertThatIllegalArgumentException().isThrownBy(call).withMessageContaining(text);
  }

  @Test
  void namesAreOneTo255BytesAndNotOfTheBroker() {
    RabbitBinding.queue("ä".repeat(121));
    for (String name : List.of("", "amq.topic", "x".repeat(256), "ä".repeat(128))) {
      refused("expected: 1..255 bytes in UTF-8", () -> RabbitBinding.queue(name));
      refused("expected: 1..255 bytes in UTF-8", () -> RabbitBinding.exchange(name, "topic"));
      refused(
          "expected: 1..255 bytes in UTF-8",
          () -> RabbitBinding.exchange("e", "topic").queue("g", name, "#"));
    }
    refused("kind: 'topics'", () -> RabbitBinding.exchange("e", "topics"));
  }

  @Test
  void aDefaultNameThatWouldBeTooLongIsRefusedWhenTheBindingIsSet() {
    RabbitTransportConfig.Builder config = RabbitTransportConfig.builder("amqp://localhost");
    RabbitBinding binding = RabbitBinding.queue("x".repeat(250));
    refused("redriveExchange", () -> config.bind(Destination.queue("q"), binding));
    config.bind(Destination.queue("q"), binding.redriveExchange("r").attemptMarkers("a"));
  }

  @Test
  void patternsBelongToEveryKindButFanout() {
    refused("patterns", () -> RabbitBinding.exchange("e", "topic").queue("g", "q"));
    refused("patterns", () -> RabbitBinding.exchange("e", "fanout").queue("g", "q", "#"));
    refused("pattern", () -> RabbitBinding.exchange("e", "topic").queue("g", "q", "x".repeat(256)));
  }

  @Test
  void settingsOfAQueueNeedOne() {
    refused("a queue that was named before", () -> RabbitBinding.exchange("e", "topic").plain());
    refused(
        "each group once",
        () -> RabbitBinding.exchange("e", "fanout").queue("g", "a").queue("g", "b"));
    refused("an exchange", () -> RabbitBinding.queue("q").queue("g", "a", "#"));
    refused("an exchange", () -> RabbitBinding.queue("q").routingKey(Message::type));
  }

  @Test
  void plainAndModesThatExcludeEachOtherAreRefused() {
    RabbitBinding queue = RabbitBinding.queue("q");
    refused("EXCLUSIVE or COMPETING", () -> queue.plain().consumers(ConsumerMode.SINGLE_ACTIVE));
    refused("SINGLE_ACTIVE or COMPETING", () -> queue.consumers(ConsumerMode.EXCLUSIVE));
    refused("x-queue-type", () -> queue.arguments(Map.of("x-queue-type", "classic")));
    refused("plain", () -> queue.plain().attemptMarkers("m"));
    RabbitBinding existing = RabbitBinding.existingQueue("q", ConsumerMode.COMPETING);
    refused("a queue that the library creates", existing::plain);
    refused("a queue that the library creates", () -> existing.arguments(Map.of("a", 1)));
  }

  @Test
  void targetsOfARedriveAreItsOwn() {
    RabbitBinding binding = RabbitBinding.exchange("e", "fanout").queue("g", "q");
    refused("only redrives use", () -> binding.redriveExchange("e"));
    refused("deadLetterQueue", () -> binding.deadLetterExchange("dlx", "k"));
    RabbitTransportConfig.Builder config = RabbitTransportConfig.builder("amqp://localhost");
    Destination topic = Destination.topic("t");
    refused("each queue once", () -> config.bind(topic, binding.deadLetterQueue("q")));
    refused("each queue once", () -> config.bind(topic, binding.queue("h", "q")));
    refused("an exchange", () -> config.bind(topic, RabbitBinding.queue("q")));
    RabbitBinding own = binding.redriveExchange("r");
    refused(
        "only redrives use",
        () -> config.bind(topic, own.queue("h", "other").redriveExchange("r")));
    refused(
        "only redrives use",
        () -> config.bind(topic, own.deadLetterQueue("d").deadLetterExchange("r", "k")));
  }

  @Test
  void aRedriveExchangeIsNoExchangeOfAnotherBinding() {
    RabbitBinding own = RabbitBinding.exchange("e", "fanout").queue("g", "q").redriveExchange("r");
    RabbitBinding task = RabbitBinding.queue("task");
    for (RabbitBinding other :
        List.of(
            RabbitBinding.exchange("r", "fanout"),
            task.redriveExchange("r"),
            task.redriveExchange("e"),
            task.deadLetterQueue("d").deadLetterExchange("r", "k"))) {
      Destination destination =
          other.isExchange() ? Destination.topic("other") : Destination.queue("other");
      RabbitTransportConfig.Builder config =
          RabbitTransportConfig.builder("amqp://localhost")
              .bind(destination, other)
              .bind(Destination.topic("t"), own);
      refused("only redrives use", config::build);
    }
    RabbitTransportConfig.builder("amqp://localhost")
        .bind(Destination.topic("t"), own)
        .bind(Destination.queue("same"), RabbitBinding.queue("q").redriveExchange("r"))
        .build();
  }

  @Test
  void aPlainQueueHasNoAttemptMarkersWhateverWasNamedBefore() {
    QueueBinding plain =
        RabbitBinding.queue("q").attemptMarkers("m").plain().queueOf("main").orElseThrow();
    assertThat(plain.attemptMarkers()).isEmpty();
  }

  @Test
  void aBindingIsNotChangedByItsMethods() {
    RabbitBinding queue = RabbitBinding.queue("q");
    queue.plain().noDeadLetters().existing();
    QueueBinding unchanged = queue.queueOf("main").orElseThrow();
    assertThat(unchanged.isPlain).isFalse();
    assertThat(unchanged.deadLetters()).contains("q@.dlq");
    assertThat(unchanged.declaredArguments()).isEqualTo(RabbitTopology.SINGLE_ACTIVE_QUEUE);
    assertThat(queue.plain().queueOf("main").orElseThrow().declaredArguments()).isEmpty();
  }
}
