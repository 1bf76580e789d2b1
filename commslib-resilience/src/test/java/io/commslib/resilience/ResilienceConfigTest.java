package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.FailureKind;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.CircuitBreakerConfig;
import io.commslib.core.resilience.RateLimiterConfig;
import java.io.IOException;
import java.io.StringReader;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.junit.jupiter.api.Test;

/** The configuration from keys: precedence, and all errors at once. */
class ResilienceConfigTest {

  private static ResilienceConfigException refused(Map<String, String> entries) {
    return refused(ResilienceConfig.builder().entries(entries));
  }

  private static ResilienceConfigException refused(ResilienceConfig.Builder builder) {
    return catchThrowableOfType(ResilienceConfigException.class, builder::build);
  }

  private static List<String> texts(ResilienceConfigException failure) {
    return failure.errors().stream().map(ConfigError::toString).toList();
  }

  private static String line(ResilienceConfig config, String service, String setting) {
    String begin = "calls." + service + "." + setting + " = ";
    return config
        .effective(service)
        .describe(service)
        .lines()
        .filter(line -> line.startsWith(begin))
        .map(line -> line.substring(begin.length()))
        .reduce((a, b) -> a + b)
        .orElseThrow();
  }

  @Test
  void aServiceHasItsOwnKeysThenThoseOfDefault() {
    ResilienceConfig config =
        ResilienceConfig.fromMap(
            Map.of(
                "calls.default.deadline", "2s",
                "calls.default.retry.maxAttempts", "5",
                "calls.pricing.retry.maxAttempts", "3",
                "calls.pricing.breaker.enabled", "false",
                "calls.bank:8443.deadline", "off"));
    CallPolicy pricing = config.policy("pricing");
    assertThat(pricing.deadline()).isEqualTo(Duration.ofSeconds(2));
    assertThat(pricing.retry().maxAttempts()).isEqualTo(3);
    assertThat(pricing.has(Part.BREAKER)).isFalse();
    assertThat(config.policy("other").retry().maxAttempts()).isEqualTo(5);
    assertThat(config.defaults()).isSameAs(config.policy("other"));
    assertThat(config.policy("bank:8443").has(Part.DEADLINE)).isFalse();
    assertThat(line(config, "pricing", "deadline")).isEqualTo("2s (calls.default.deadline)");
    assertThat(line(config, "pricing", "retry.maxAttempts"))
        .isEqualTo("3 (calls.pricing.retry.maxAttempts)");
    assertThat(line(config, "pricing", "breaker.enabled"))
        .isEqualTo("false (calls.pricing.breaker.enabled)");
    assertThat(line(config, "pricing", "breaker.probes")).isEqualTo("3 (default)");
    assertThat(line(config, "bank:8443", "deadline")).isEqualTo("off (calls.bank:8443.deadline)");
  }

  @Test
  void keysHavePrecedenceOverCode() {
    CallPolicy code =
        CallPolicy.builder()
            .deadline(Duration.ofSeconds(1))
            .maxInFlight(8)
            .rateLimiter(RateLimiterConfig.of(50))
            .without(Part.BREAKER)
            .build();
    ResilienceConfig config =
        ResilienceConfig.builder()
            .defaults(CallPolicy.builder().maxInFlight(7).build())
            .policy("bank", code)
            .entries(
                Map.of(
                    "calls.default.deadline", "3s",
                    "calls.bank.breaker.enabled", "true",
                    "calls.bank.rateLimiter.burst", "60"))
            .build();
    assertThat(line(config, "bank", "deadline")).isEqualTo("1s (code)");
    assertThat(line(config, "bank", "attemptTimeout")).isEqualTo("1s (code)");
    assertThat(line(config, "bank", "bulkhead.maxInFlight")).isEqualTo("8 (code)");
    assertThat(line(config, "bank", "breaker.enabled"))
        .isEqualTo("true (calls.bank.breaker.enabled)");
    assertThat(line(config, "bank", "rateLimiter.perSecond")).isEqualTo("50 (code)");
    assertThat(line(config, "bank", "rateLimiter.burst"))
        .isEqualTo("60 (calls.bank.rateLimiter.burst)");
    assertThat(config.policy("bank").has(Part.BREAKER)).isTrue();
    assertThat(config.policy("other").maxInFlight()).isEqualTo(7);
    assertThat(line(config, "other", "deadline")).isEqualTo("3s (calls.default.deadline)");
  }

  @Test
  void aDefaultThatFollowsAnotherSettingHasItsOrigin() {
    ResilienceConfig config =
        ResilienceConfig.fromMap(
            Map.of("calls.a.deadline", "900ms", "calls.a.rateLimiter.perSecond", "5"));
    assertThat(line(config, "a", "attemptTimeout")).isEqualTo("900ms (calls.a.deadline)");
    assertThat(line(config, "a", "rateLimiter.enabled"))
        .isEqualTo("true (calls.a.rateLimiter.perSecond)");
    assertThat(line(config, "a", "rateLimiter.burst"))
        .isEqualTo("5 (calls.a.rateLimiter.perSecond)");
  }

  @Test
  void oneErrorIsInOneLine() {
    assertThat(refused(Map.of("calls.default.budget.percent", "500")))
        .hasMessage("COMMS-CALL-030: calls.default.budget.percent: '500' (expected: 0..100)");
  }

  @Test
  void allErrorsAreReportedAtOnce() {
    ResilienceConfigException failure =
        refused(
            Map.of(
                "calls.default.budget.percent", "500",
                "calls.pricing.retry.maxAttempts", "0",
                "calls.pricing.retry.maxAttemps", "3",
                "calls.bank.deadline", "1s",
                "calls.bank.attemptTimeout", "2s",
                "calls.stock.breaker.openTime", "2m",
                "calls.stock.retry.backoff.first", "3s",
                "calls.stock.rateLimiter.enabled", "true",
                "calls.stock.breaker.window", "1500ms"));
    assertThat(failure.kind()).isEqualTo(FailureKind.PERMANENT);
    assertThat(failure.count()).isEqualTo(8);
    assertThat(texts(failure))
        .containsExactlyInAnyOrder(
            "calls.default.budget.percent: '500' (expected: 0..100)",
            "calls.pricing.retry.maxAttempts: '0' (expected: 1..10)",
            "calls.pricing.retry.maxAttemps: '3' (expected: a known key;"
                + " nearest: calls.pricing.retry.maxAttempts)",
            "calls.bank.attemptTimeout: 2s (expected: 10ms..1s, the deadline)",
            "calls.stock.breaker.maxOpenTime: 1m (expected: 2m..24h, at least breaker.openTime)",
            "calls.stock.retry.backoff.max: 2s (expected: 3s..24h, at least retry.backoff.first)",
            "calls.stock.rateLimiter.perSecond: none"
                + " (expected: 1..1000000, since other settings of the rate limiter are set)",
            "calls.stock.breaker.window: '1500ms' (expected: 1s..10m, whole seconds)");
    assertThat(failure.getMessage().lines()).hasSize(9);
  }

  @Test
  void aContradictionWithAnInheritedValueNamesItsKeyAndIsReportedOnce() {
    assertThat(
            texts(
                refused(
                    Map.of(
                        "calls.default.attemptTimeout", "2s",
                        "calls.bank.deadline", "1s",
                        "calls.stock.retry.maxAttempts", "2"))))
        .containsExactly(
            "calls.bank.attemptTimeout: 2s (expected: 10ms..1s, the deadline;"
                + " the value is that of calls.default.attemptTimeout)");
    assertThat(
            texts(
                refused(
                    Map.of(
                        "calls.default.attemptTimeout", "9s",
                        "calls.stock.retry.maxAttempts", "2"))))
        .containsExactly("calls.default.attemptTimeout: 9s (expected: 10ms..5s, the deadline)");
  }

  @Test
  void aContradictionWithCodeIsRefused() {
    CallPolicy code =
        CallPolicy.builder()
            .attemptTimeout(Duration.ofSeconds(3))
            .breaker(CircuitBreakerConfig.builder().openTime(Duration.ofSeconds(50)).build())
            .build();
    assertThat(
            texts(
                refused(
                    ResilienceConfig.builder()
                        .policy("bank", code)
                        .entries(Map.of("calls.bank.deadline", "1s")))))
        .containsExactly("calls.bank.attemptTimeout: 3s (expected: 10ms..1s, the deadline)");
    assertThat(
            texts(
                refused(
                    ResilienceConfig.builder()
                        .policy("bank", code)
                        .entries(Map.of("calls.bank.breaker.maxOpenTime", "49s")))))
        .containsExactly(
            "calls.bank.breaker.maxOpenTime: 49s (expected: 50s..24h, at least breaker.openTime)");
  }

  @Test
  void anotherSpellingAndADoubledKeyAreRefused() throws IOException {
    ResilienceConfigException failure =
        refused(
            ResilienceConfig.builder()
                .file(
                    new StringReader(
                        "calls.a.deadline=2s\ncalls.a.retry.max-attempts=2\n"
                            + "# again\ncalls.a.deadline: 3s\n"))
                .entries(Map.of("calls.a.attemptTimeout", "1s"))
                .entries(Map.of("calls.a.attemptTimeout", "1s")));
    assertThat(texts(failure))
        .containsExactly(
            "calls.a.attemptTimeout: '1s' (expected: the key once)",
            "calls.a.deadline: '3s' (expected: the key once)",
            "calls.a.retry.max-attempts: '2'"
                + " (expected: a known key; nearest: calls.a.retry.maxAttempts)");
  }

  @Test
  void propertiesAreReadWithTheirDefaultsAndOnlyTexts() {
    Properties defaults = new Properties();
    defaults.setProperty("calls.a.deadline", "2s ");
    Properties properties = new Properties(defaults);
    properties.setProperty("calls.a.attemptTimeout", "PT1S");
    CallPolicy policy = ResilienceConfig.fromProperties(properties).policy("a");
    assertThat(policy.deadline()).isEqualTo(Duration.ofSeconds(2));
    assertThat(policy.attemptTimeout()).isEqualTo(Duration.ofSeconds(1));
    properties.put("calls.a.retry.maxAttempts", 3);
    assertThat(texts(refused(ResilienceConfig.builder().properties(properties))))
        .containsExactly("calls.a.retry.maxAttempts: 'not a text: Integer' (expected: 1..10)");
  }

  @Test
  void foreignAndLongTextsAreCut() {
    String secret = "s3cret".repeat(1_000);
    ResilienceConfigException failure =
        refused(
            Map.of(
                "spring.password",
                secret,
                "calls." + "x".repeat(400) + ".deadline",
                "1s",
                "calls.a\nb.deadline",
                "1s",
                "calls.a.deadline",
                "1".repeat(5_000) + "s"));
    assertThat(failure.errors())
        .hasSize(4)
        .allSatisfy(error -> assertThat(error.value()).hasSizeLessThanOrEqualTo(100))
        .allSatisfy(error -> assertThat(error.key()).hasSizeLessThanOrEqualTo(100))
        .allSatisfy(error -> assertThat(error.key()).doesNotContain("\n"));
    assertThat(failure.getMessage()).hasSizeLessThan(1_000);
    assertThat(failure.errors())
        .filteredOn(error -> error.rule().equals("a key of at most 300 characters"))
        .singleElement()
        .satisfies(error -> assertThat(error.nearestKey()).isEqualTo(Optional.empty()));
  }

  @Test
  void keysErrorsAndRemotesAreBounded() {
    Map<String, String> wrong = new HashMap<>();
    Map<String, String> remotes = new HashMap<>();
    Map<String, String> many = new HashMap<>();
    for (int i = 0; i <= ResilienceConfig.MAX_KEYS; i++) {
      many.put("calls.a" + i + ".deadline", "1s");
      if (i <= Resilience.MAX_REMOTES) {
        remotes.put("calls.a" + i + ".deadline", "1s");
        wrong.put("calls.a" + i + ".dedline", "1s");
      }
    }
    ResilienceConfigException failure = refused(wrong);
    assertThat(failure.count()).isEqualTo(1_001);
    assertThat(failure.errors()).hasSize(ResilienceConfigException.MAX_ERRORS);
    assertThat(failure.getMessage()).endsWith("\n  and 901 more");
    assertThat(refused(remotes))
        .hasMessage("COMMS-CALL-030: calls.*: 1001 (expected: at most 1000 remotes)");
    assertThat(refused(many))
        .hasMessage("COMMS-CALL-030: calls.*: more than 10000 (expected: at most 10000 keys)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ResilienceConfig.builder().file(new StringReader("#".repeat(1_048_577))))
        .withMessage("file length: 1048577 (expected: 0..1048576)");
  }
}
