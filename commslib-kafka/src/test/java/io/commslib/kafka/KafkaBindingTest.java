package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.Destination;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KafkaBindingTest {

  private static final Destination ORDERS = Destination.topic("orders");
  private static final Duration SECOND = Duration.ofSeconds(1);

  private static GroupNames names(KafkaBinding binding) {
    return new GroupNames(ORDERS, "ship", binding);
  }

  @Test
  void aGroupWithoutDeadLettersHasNoneToListOrRedrive() {
    Destination orders = Destination.topic("orders");
    KafkaTransportConfig config =
        KafkaTransportConfig.builder("127.0.0.1:1")
            .bind(orders, KafkaBinding.topic("t").noDeadLetters().existing())
            .build();
    try (KafkaTransport transport = KafkaTransport.create(config)) {
      assertThat(transport.deadLetters().list(orders, "ship", 10)).isEmpty();
      assertThat(transport.deadLetters().redrive(orders, "ship", letter -> true)).isZero();
      assertThat(transport.deadLetters().discard(orders, "ship", letter -> true)).isZero();
    }
  }

  @Test
  void namesThatAreNotGivenAreTheLibrarysUnlessTheTopicsExist() {
    GroupNames names = names(KafkaBinding.topic("order.created"));
    assertThat(names.source()).isEqualTo("order.created");
    assertThat(names.groupId()).isEqualTo("order.created.ship");
    assertThat(names.deadLetters()).contains("order.created.ship.dlq");
    assertThat(names.redrive()).contains("order.created.ship.redrive");
    assertThat(names.delay(SECOND)).contains("order.created.ship.delay-1000");
    GroupNames existing = names(KafkaBinding.topic("order.created").existing());
    assertThat(existing.groupId()).isEqualTo("order.created.ship");
    assertThat(existing.deadLetters()).isEmpty();
    assertThat(existing.redrive()).isEmpty();
    assertThat(existing.delay(SECOND)).isEmpty();
    assertThat(existing.hasNoDeadLetters()).isFalse();
  }

  @Test
  void eachGroupHasItsOwnNames() {
    KafkaBinding binding =
        KafkaBinding.topic("t")
            .group("ship", "inventory-group")
            .deadLetters("ship", "t.DLT")
            .redrive("ship", "t.again")
            .delay("ship", SECOND, "t.later")
            .noDeadLetters();
    GroupNames names = names(binding);
    assertThat(names.groupId()).isEqualTo("inventory-group");
    assertThat(names.deadLetters()).contains("t.DLT");
    assertThat(names.redrive()).contains("t.again");
    assertThat(names.delay(SECOND)).contains("t.later");
    assertThat(names.hasNoDeadLetters()).isFalse();
    GroupNames other = new GroupNames(ORDERS, "bill", binding);
    assertThat(other.groupId()).isEqualTo("t.bill");
    assertThat(other.hasNoDeadLetters()).isTrue();
    assertThat(other.deadLetters()).isEmpty();
    assertThat(other.redrive()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "a b", "a/b", "ä"})
  void aNameThatKafkaRefusesIsRefused(String name) {
    assertThatIllegalArgumentException().isThrownBy(() -> KafkaBinding.topic(name));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KafkaBinding.topic("t").deadLetters("g", name));
  }

  @Test
  void aTopicHasOnePurposeInABindingAndEachNameIsGivenOnce() {
    KafkaBinding binding =
        KafkaBinding.topic("t").deadLetters("ship", "dlt").group("ship", "g").redrive("ship", "r");
    assertThatIllegalArgumentException().isThrownBy(() -> binding.redrive("bill", "t"));
    assertThatIllegalArgumentException().isThrownBy(() -> binding.redrive("bill", "dlt"));
    assertThatIllegalArgumentException().isThrownBy(() -> binding.deadLetters("bill", "dlt"));
    assertThatIllegalArgumentException().isThrownBy(() -> binding.delay("bill", SECOND, "r"));
    assertThatIllegalArgumentException().isThrownBy(() -> binding.deadLetters("ship", "dlt2"));
    assertThatIllegalArgumentException().isThrownBy(() -> binding.group("ship", "g2"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> binding.delay("ship", Duration.ZERO, "d"));
  }

  @Test
  void aTopicThatOnlyTheLibraryMayWriteToBelongsToOneBinding() {
    KafkaTransportConfig.Builder config =
        KafkaTransportConfig.builder("host:9092")
            .bind(ORDERS, KafkaBinding.topic("t").redrive("ship", "r"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> config.bind(ORDERS, KafkaBinding.topic("t2")));
    Destination other = Destination.topic("other");
    KafkaTransportConfig.Builder shared = config.bind(other, KafkaBinding.topic("r"));
    assertThatIllegalArgumentException()
        .isThrownBy(shared::build)
        .withMessage(
            "bind: r (expected: a topic of group ship of topic:orders only, as others may not write"
                + " to it)");
  }

  /** Letters of two groups for one message would have one key, so one would replace the other. */
  @Test
  void aDeadLetterTopicBelongsToOneGroup() {
    KafkaBinding orders = KafkaBinding.topic("t").deadLetters("ship", "letters");
    for (KafkaBinding other :
        List.of(
            KafkaBinding.topic("t2").deadLetters("ship", "letters"),
            KafkaBinding.topic("t2").redrive("ship", "letters"),
            KafkaBinding.topic("t2").delay("ship", SECOND, "letters"),
            KafkaBinding.topic("letters"),
            KafkaBinding.topic("t2").deadLetters("bill", "t.ship.redrive"))) {
      KafkaTransportConfig.Builder config =
          KafkaTransportConfig.builder("host:9092")
              .bind(ORDERS, orders)
              .bind(Destination.topic("other"), other);
      assertThatIllegalArgumentException()
          .isThrownBy(config::build)
          .withMessageMatching(
              "bind: (letters|t.ship.redrive) \\(expected: a topic of group (ship|bill) of"
                  + " topic:(orders|other) only, as others may not write to it\\)");
    }
    KafkaTransportConfig.Builder byDefault =
        KafkaTransportConfig.builder("host:9092")
            .bind(ORDERS, orders.group("bill", "b").redrive("ship", "t.bill.dlq"));
    assertThatIllegalArgumentException().isThrownBy(byDefault::build);
    assertThat(
            KafkaTransportConfig.builder("host:9092")
                .bind(ORDERS, orders)
                .bind(Destination.topic("other"), KafkaBinding.topic("t").group("bill", "g"))
                .build())
        .isNotNull();
  }

  @Test
  void twoGroupsCantShareAConsumerGroup() {
    KafkaBinding binding = KafkaBinding.topic("t").group("ship", "g");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> binding.group("bill", "g"))
        .withMessageContaining("group: g (expected: not the consumer group of group ship)");
    // The name that another group has by default.
    KafkaBinding byDefault = KafkaBinding.topic("t").group("ship", "t.bill");
    assertThatThrownBy(() -> new GroupNames(ORDERS, "bill", byDefault).groupId())
        .hasMessage(
            "COMMS-KAFKA-014: consumer group t.bill: that of group ship (expected: another one for"
                + " group bill, which KafkaBinding.group names)");
    assertThat(names(byDefault).groupId()).isEqualTo("t.bill");
    assertThat(new GroupNames(ORDERS, "bill", byDefault.group("bill", "b")).groupId())
        .isEqualTo("b");
    KafkaTransportConfig.Builder one =
        KafkaTransportConfig.builder("host:9092")
            .bind(ORDERS, byDefault.deadLetters("bill", "letters"));
    assertThatIllegalArgumentException().isThrownBy(one::build);
    KafkaTransportConfig.Builder two =
        KafkaTransportConfig.builder("host:9092")
            .bind(ORDERS, binding)
            .bind(Destination.topic("other"), KafkaBinding.topic("t").group("bill", "g"));
    assertThatIllegalArgumentException()
        .isThrownBy(two::build)
        .withMessageContaining("bind: g (expected: a consumer group of topic t for one group only");
  }

  @Test
  void aTopicsRoleFollowsFromTheNamesOfItsSubscription() {
    GroupNames names = names(KafkaBinding.topic("x.redrive").redrive("ship", "again"));
    DelayTopics delays =
        DelayTopics.of(
            io.commslib.core.messaging.SubscriptionConfig.builder(ORDERS, "ship")
                .unordered()
                .build(),
            names);
    SubscribedTopics topics =
        new SubscribedTopics(names.source(), names.redrive().orElse(null), delays, null);
    assertThat(topics.role("x.redrive")).isEqualTo(TopicRole.SOURCE);
    assertThat(topics.role("again")).isEqualTo(TopicRole.REDRIVE);
    assertThat(delays.topics())
        .isNotEmpty()
        .allSatisfy(topic -> assertThat(topics.role(topic)).isEqualTo(TopicRole.DELAY));
  }
}
