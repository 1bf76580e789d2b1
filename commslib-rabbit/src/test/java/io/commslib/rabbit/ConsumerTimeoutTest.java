package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ConsumerTimeoutTest {

  private final ConsumerTimeout timeout = new ConsumerTimeout(Map.of());

  @Test
  void itIsThatOfTheArgumentElseThatWhichTheBrokerStatesElseTheDefault() {
    assertThat(timeout.value()).isEqualTo(Duration.ofMinutes(30));
    assertThat(new ConsumerTimeout(Map.of("x-consumer-timeout", 60_000)).value())
        .isEqualTo(Duration.ofMinutes(1));
    assertThat(new ConsumerTimeout(Map.of("x-consumer-timeout", "soon")).value())
        .isEqualTo(Duration.ofMinutes(30));
    timeout.learn(
        "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used:"
            + " 300000 ms. This timeout value can be configured");
    assertThat(timeout.value()).isEqualTo(Duration.ofMinutes(5));
    timeout.learn("CONNECTION_FORCED - broker forced connection closure");
    assertThat(timeout.value()).isEqualTo(Duration.ofMinutes(5));
  }

  @Test
  void messagesAreReturnedFarEnoughBeforeItWhateverTheMomentOfTheCheck() {
    Duration check = timeout.checkInterval();
    assertThat(timeout.isNear(Duration.ofMinutes(24).toNanos())).isFalse();
    assertThat(timeout.isNear(Duration.ofMinutes(25).toNanos())).isTrue();
    long latest = Duration.ofMinutes(25).plus(check).toNanos();
    assertThat(latest).isLessThan(Duration.ofMinutes(28).toNanos());
    assertThat(timeout.left(latest))
        .isEqualTo(Duration.ofMinutes(29).plusSeconds(30).minusNanos(latest));
    assertThat(timeout.left(Duration.ofHours(1).toNanos())).isZero();
  }

  @Test
  void theOldestUnacknowledgedDeliveryCountsWhateverTheOrderOfAcknowledgements() {
    ConsumerChannel channel =
        new ConsumerChannel(
            ClientFakes.of(com.rabbitmq.client.Channel.class, (n, a) -> null), 1, 10);
    assertThat(channel.oldestNanos(5)).isEqualTo(-1);
    List<ConsumerChannel.Period> received = new ArrayList<>();
    for (long now : new long[] {100, 105, 109, 110, 125, 126}) {
      received.add(channel.received(now));
    }
    assertThat(channel.oldestNanos(200)).as("the first three").isEqualTo(100);
    received.get(4).acknowledged();
    received.get(0).acknowledged();
    received.get(2).acknowledged();
    assertThat(channel.oldestNanos(200)).isEqualTo(100);
    received.get(1).acknowledged();
    assertThat(channel.oldestNanos(200)).as("the fourth").isEqualTo(90);
    received.get(3).acknowledged();
    assertThat(channel.oldestNanos(200)).as("the last").isEqualTo(75);
    received.get(5).acknowledged();
    assertThat(channel.oldestNanos(200)).isEqualTo(-1);
    channel.received(130);
    assertThat(channel.oldestNanos(200)).isEqualTo(75);
  }
}
