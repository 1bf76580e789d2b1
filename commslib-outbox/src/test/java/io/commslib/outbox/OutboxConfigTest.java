package io.commslib.outbox;

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

class OutboxConfigTest {

  static Stream<Arguments> wrongSettings() {
    return Stream.of(
        wrong(b -> b.shards(0), "shards: 0 (expected: 1..1024)"),
        wrong(b -> b.shards(1_025), "shards: 1025 (expected: 1..1024)"),
        wrong(b -> b.leaseTime(Duration.ofSeconds(4)), "leaseTime: PT4S (expected: PT5S..PT10M)"),
        wrong(b -> b.leaseTime(Duration.ofMinutes(11)), "leaseTime: PT11M (expected: PT5S..PT10M)"),
        wrong(
            b -> b.pollInterval(Duration.ofMillis(9)),
            "pollInterval: PT0.009S (expected: PT0.01S..PT1M)"),
        wrong(
            b -> b.pollInterval(Duration.ofSeconds(61)),
            "pollInterval: PT1M1S (expected: PT0.01S..PT1M)"),
        wrong(
            b -> b.pollInterval(Duration.ofSeconds(5)),
            "pollInterval: PT5S (expected: less than a third of leaseTime, PT15S)"),
        wrong(b -> b.batchSize(0), "batchSize: 0 (expected: 1..10000)"),
        wrong(b -> b.batchSize(10_001), "batchSize: 10001 (expected: 1..10000)"),
        wrong(b -> b.maxUnconfirmed(400), "batchSize: 500 (expected: at most maxUnconfirmed, 400)"),
        wrong(b -> b.maxUnconfirmed(0), "maxUnconfirmed: 0 (expected: 1..100000)"),
        wrong(
            b -> b.maxUnconfirmedBytes(65_535),
            "maxUnconfirmedBytes: 65535 (expected: 65536..4294967296)"),
        wrong(b -> b.attempts(0), "attempts: 0 (expected: 1..1000)"),
        wrong(b -> b.attempts(-1), "attempts: -1 (expected: 1..1000)"),
        wrong(b -> b.maxMessageBytes(1_023), "maxMessageBytes: 1023 (expected: 1024..67108864)"));
  }

  private static Arguments wrong(UnaryOperator<OutboxConfig.Builder> setting, String message) {
    return arguments(setting, message);
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("wrongSettings")
  void refusesAWrongSettingWithValueAndRule(
      UnaryOperator<OutboxConfig.Builder> setting, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> setting.apply(OutboxConfig.builder()).build())
        .withMessage(message);
  }

  @Test
  void reportsAllViolationsTogether() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                OutboxConfig.builder()
                    .shards(0)
                    .leaseTime(Duration.ofSeconds(-1))
                    .attempts(0)
                    .build())
        .withMessage(
            "shards: 0 (expected: 1..1024)\nleaseTime: PT-1S (expected: PT5S..PT10M)\n"
                + "attempts: 0 (expected: 1..1000)");
  }

  @Test
  void namesTheParameterThatIsNull() {
    assertThatThrownBy(() -> OutboxConfig.builder().backoff(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("backoff");
    assertThatThrownBy(() -> OutboxConfig.builder().onParked(null)).hasMessage("onParked");
    assertThatThrownBy(() -> OutboxConfig.builder().leaseTime(null)).hasMessage("leaseTime");
    assertThatThrownBy(() -> JdbcOutbox.create(null, OutboxConfig.defaults()))
        .hasMessage("database");
  }

  @Test
  void showsAllSettings() {
    assertThat(OutboxConfig.defaults())
        .hasToString(
            "OutboxConfig{shards=32, leaseTime=PT15S, pollInterval=PT1S, batchSize=500,"
                + " maxUnconfirmed=10000, maxUnconfirmedBytes=67108864, attempts=5,"
                + " backoff=Backoff{first=PT0.2S, max=PT10S, jitter=true}, onParked=BLOCK_KEY,"
                + " archive=false, maxMessageBytes=1048576, source=/}");
  }

  @Test
  void laterChangesOfTheBuilderChangeNothing() {
    OutboxConfig.Builder builder = OutboxConfig.builder().shards(4);
    OutboxConfig built = builder.build();
    builder.shards(8);
    assertThat(built.shards()).isEqualTo(4);
  }
}
