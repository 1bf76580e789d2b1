package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.time.Duration;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class InboxConfigTest {

  static Stream<Arguments> wrongSettings() {
    return Stream.of(
        wrong(
            b -> b.retention(Duration.ofMinutes(59)),
            "retention: PT59M (expected: PT1H..PT87600H)"),
        wrong(
            b -> b.retention(Duration.ofDays(3_651)),
            "retention: PT87624H (expected: PT1H..PT87600H)"),
        wrong(
            b -> b.retention(Duration.ofDays(7)),
            "retention: PT168H (expected: above longestRedelivery, PT168H)"),
        wrong(
            b -> b.retention(Duration.ofDays(90)).longestRedelivery(Duration.ofDays(91)),
            "retention: PT2160H (expected: above longestRedelivery, PT2184H)"),
        wrong(
            b -> b.longestRedelivery(Duration.ofMillis(-1)),
            "longestRedelivery: PT-0.001S (expected: PT0S..PT87600H)"),
        wrong(
            b -> b.lockTimeout(Duration.ofMillis(9)),
            "lockTimeout: PT0.009S (expected: PT0.01S..PT10M)"),
        wrong(
            b -> b.lockTimeout(Duration.ofMinutes(11)),
            "lockTimeout: PT11M (expected: PT0.01S..PT10M)"),
        wrong(b -> b.purgeBatch(0), "purgeBatch: 0 (expected: 1..100000)"),
        wrong(b -> b.purgeBatch(100_001), "purgeBatch: 100001 (expected: 1..100000)"));
  }

  private static Arguments wrong(UnaryOperator<InboxConfig.Builder> setting, String message) {
    return arguments(setting, message);
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("wrongSettings")
  void refusesAWrongSettingWithValueAndRule(
      UnaryOperator<InboxConfig.Builder> setting, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> setting.apply(InboxConfig.builder()).build())
        .withMessage(message);
  }

  @Test
  void namesTheParameterThatIsNull() {
    assertThatThrownBy(() -> InboxConfig.builder().retention(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("retention");
    assertThatThrownBy(() -> JdbcInbox.create(null, InboxConfig.defaults()))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("database");
  }

  @Test
  void showsAllSettings() {
    assertThat(InboxConfig.defaults())
        .hasToString(
            "InboxConfig{retention=PT720H, longestRedelivery=PT168H, lockTimeout=PT10S, purgeBatch=1000}");
  }
}
