package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallStatus;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.CircuitBreakerConfig;
import io.commslib.core.resilience.FaultConfig;
import io.commslib.core.resilience.HedgingConfig;
import io.commslib.core.resilience.RateLimiterConfig;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.resilience.TrafficMirror;
import io.commslib.core.resilience.TrafficSplit;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The keys of the configuration: each setting has one, with the rule of its setter. */
class ConfigKeysTest {

  private static final Set<Class<?>> LEAVES =
      Set.of(
          int.class,
          boolean.class,
          Duration.class,
          TrafficMirror.class,
          TrafficSplit.class,
          CallStatus.class,
          SendCertainty.class);

  /** Its name in the builder has no part. */
  private static final Map<String, String> NAMED = Map.of("maxInFlight", "bulkhead.maxInFlight");

  /** Every single value of a setting fits to the rest of this policy. */
  private static final CallPolicy WIDE =
      CallPolicy.builder()
          .deadline(Duration.ofHours(1))
          .retry(
              RetryPolicy.defaults()
                  .withBackoff(Backoff.exponential(Duration.ZERO, Duration.ofHours(24))))
          .breaker(
              CircuitBreakerConfig.builder()
                  .openTime(Duration.ofMillis(10))
                  .maxOpenTime(Duration.ofHours(24))
                  .build())
          .rateLimiter(RateLimiterConfig.of(10))
          .hedging(HedgingConfig.of(Duration.ofMillis(10)))
          .split(TrafficSplit.of("v1", 95, "v2", 5))
          .mirror(TrafficMirror.of("v3", 5))
          .faults(FaultConfig.delaying(1, Duration.ofMillis(10)))
          .build();

  @Test
  void everySetterHasAKey() {
    Set<String> expected = new TreeSet<>();
    collect("", CallPolicy.class, expected);
    for (Part part : Part.values()) {
      String name = camelCase(part);
      if (!expected.contains(name)) {
        expected.add(name + ".enabled");
      }
    }
    assertThat(Arrays.stream(PolicySetting.values()).map(PolicySetting::key))
        .doesNotHaveDuplicates()
        .containsExactlyInAnyOrderElementsOf(expected);
  }

  private static String camelCase(Part part) {
    String[] words = part.name().toLowerCase(Locale.ROOT).split("_", -1);
    return words[0]
        + Arrays.stream(words)
            .skip(1)
            .map(word -> word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1))
            .collect(Collectors.joining());
  }

  /** Adds the settings of a type, and of the types of its settings. */
  private static void collect(String prefix, Class<?> type, Set<String> keys) {
    settings(type)
        .forEach(
            (name, of) -> {
              String key = prefix + name;
              if (LEAVES.contains(of)) {
                keys.add(NAMED.getOrDefault(key, key));
              } else {
                collect(key + ".", of, keys);
              }
            });
  }

  /** The components of a record, the setters of a builder, or the methods that copy. */
  private static Map<String, Class<?>> settings(Class<?> type) {
    if (type.isRecord()) {
      return Arrays.stream(type.getRecordComponents())
          .collect(Collectors.toMap(RecordComponent::getName, RecordComponent::getType));
    }
    if (type == Backoff.class) {
      // Its factories have no names of settings.
      return Arrays.stream(type.getDeclaredFields())
          .filter(field -> !Modifier.isStatic(field.getModifiers()))
          .collect(Collectors.toMap(Field::getName, Field::getType));
    }
    for (Class<?> nested : type.getDeclaredClasses()) {
      if (nested.getSimpleName().equals("Builder")) {
        return Arrays.stream(nested.getMethods())
            .filter(method -> method.getReturnType() == nested)
            .filter(method -> method.getParameterTypes()[0] != Part.class)
            .collect(Collectors.toMap(Method::getName, method -> method.getParameterTypes()[0]));
      }
    }
    return Arrays.stream(type.getMethods())
        .filter(method -> method.getReturnType() == type && method.getName().startsWith("with"))
        .collect(
            Collectors.toMap(
                method ->
                    method.getName().substring(4, 5).toLowerCase(Locale.ROOT)
                        + method.getName().substring(5),
                method -> method.getParameterTypes()[0]));
  }

  @ParameterizedTest
  @EnumSource
  void everyRuleIsThatOfTheSetter(PolicySetting setting) {
    ValueRule rule = setting.rule();
    if (rule.kind() == ValueRule.Kind.FLAG) {
      assertThat(rule.parse("true")).isEqualTo(true);
      assertThat(rule.parse("false")).isEqualTo(false);
      assertThat(rule.parse("yes")).isNull();
      return;
    }
    if (rule.kind() == ValueRule.Kind.NAME) {
      for (Object name : rule.names()) {
        assertThat(rule.parse(name.toString())).isEqualTo(name);
        assertThat(setting.read(with(setting, name))).isEqualTo(name);
      }
      assertThat(rule.parse("OK")).isNull();
      return;
    }
    if (rule.kind() == ValueRule.Kind.SPLIT) {
      // TrafficSplitTest has its bounds.
      TrafficSplit split = TrafficSplit.of("a.b", 0, "c_d-e", TrafficSplit.MAX_WEIGHT);
      assertThat(rule.parse(ValueRule.show(split))).isEqualTo(split);
      assertThat(setting.read(with(setting, split))).isEqualTo(split);
      return;
    }
    if (rule.kind() == ValueRule.Kind.MIRROR) {
      for (int percent : new int[] {1, 100}) {
        TrafficMirror mirror = TrafficMirror.of("a.b", percent);
        assertThat(rule.parse(ValueRule.show(mirror))).isEqualTo(mirror);
        assertThat(setting.read(with(setting, mirror))).isEqualTo(mirror);
      }
      assertThat(rule.parse("a.b:0")).isNull();
      assertThat(rule.parse("a.b:101")).isNull();
      return;
    }
    for (long good : List.of(rule.min(), rule.max())) {
      Object value = value(rule, good);
      assertThat(rule.parse(ValueRule.show(value))).isEqualTo(value);
      assertThat(setting.read(with(setting, value))).isEqualTo(value);
    }
    for (long bad : List.of(rule.min() - 1, rule.max() + 1)) {
      Object value = value(rule, bad);
      assertThat(rule.parse(ValueRule.show(value))).isNull();
      assertThatIllegalArgumentException().isThrownBy(() -> with(setting, value));
    }
    if (rule.isWhole()) {
      assertThat(rule.parse("1500ms")).isNull();
      assertThatIllegalArgumentException().isThrownBy(() -> with(setting, Duration.ofMillis(1500)));
    }
  }

  private static Object value(ValueRule rule, long number) {
    return rule.kind() == ValueRule.Kind.COUNT ? (Object) (int) number : Duration.ofNanos(number);
  }

  private static CallPolicy with(PolicySetting setting, Object value) {
    PolicyDraft draft = new PolicyDraft(WIDE);
    setting.write(draft, value);
    return draft.build();
  }

  @ParameterizedTest
  @EnumSource
  void everyKeyReplacesItsSettingAndNoOther(PolicySetting setting) {
    ValueRule rule = setting.rule();
    String text =
        switch (rule.kind()) {
          case FLAG -> String.valueOf(!(Boolean) setting.read(WIDE));
          case COUNT -> String.valueOf(rule.max() - 1);
          case TIME -> "30s";
          case NAME -> rule.names().get(0).toString();
          case SPLIT -> "a:1,b:2,c:0";
          case MIRROR -> "canary:7";
        };
    String key = ConfigKeys.of("x", setting);
    ResilienceConfig config =
        ResilienceConfig.builder().policy("x", WIDE).entries(Map.of(key, text)).build();
    List<String> before = EffectivePolicy.ofCode(WIDE).describe("x").lines().toList();
    List<String> after = config.effective("x").describe("x").lines().toList();
    assertThat(after).hasSameSizeAs(before);
    for (int i = 0; i < after.size(); i++) {
      if (i == setting.ordinal()) {
        assertThat(after.get(i)).isEqualTo(key + " = " + text + " (" + key + ")");
      } else {
        assertThat(withoutOrigin(after.get(i))).isEqualTo(withoutOrigin(before.get(i)));
      }
    }
  }

  private static String withoutOrigin(String line) {
    return line.substring(0, line.indexOf(" ("));
  }

  @Test
  void noKeyIsTheEndOfAnother() {
    for (PolicySetting one : PolicySetting.values()) {
      assertThat(PolicySetting.values()).noneMatch(other -> other.key().endsWith("." + one.key()));
      assertThat(ConfigKeys.parse("calls.a.example.com:80." + one.key()))
          .isEqualTo(new ConfigKeys.Parsed("a.example.com:80", one));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "calls.pricing.retry.maxAttemps, calls.pricing.retry.maxAttempts",
    "calls.pricing.retry.max-attempts, calls.pricing.retry.maxAttempts",
    "calls.pricing.maxAttempts, calls.pricing.retry.maxAttempts",
    "calls.pricing.maxInFlight, calls.pricing.bulkhead.maxInFlight",
    "calls.a.example.com.breaker.opentime, calls.a.example.com.breaker.openTime",
    "calls.pricing.breaker.perSecond, calls.pricing.budget.perSecond",
    "calls.pricing.attemptTime, calls.pricing.attemptTimeout",
    "calls.deadline, calls.default.deadline",
    "deadline, calls.default.deadline",
    "call.pricing.deadline, calls.pricing.deadline",
    "pricing.deadline, calls.pricing.deadline",
    "CALLS.pricing.Deadline, calls.pricing.deadline",
  })
  void theNearestKeyIsNamed(String unknown, String nearest) {
    assertThat(ConfigKeys.parse(unknown)).isNull();
    assertThat(ConfigKeys.nearest(unknown)).isEqualTo(nearest);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", ".", "...", "calls", "calls.", "calls..deadline", "ö.ß", "calls.\n.x"})
  void theNearestKeyIsAlwaysAKnownOne(String unknown) {
    assertThat(ConfigKeys.parse(unknown)).isNull();
    assertThat(ConfigKeys.parse(ConfigKeys.nearest(unknown))).isNotNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "v1",
        "v1:",
        ":1",
        "v1:1,",
        "v1:-1,v2:1",
        "v1:1,v1:2",
        "v1:0",
        "v1:0,v2:0",
        "v1:10001",
        "v1:9999999999",
        "v 1:1",
        "v1=1",
        "a:1,b:1,c:1,d:1,e:1,f:1,g:1,h:1,i:1",
        "v1:1;v2:1"
      })
  void everythingElseIsNoSplit(String text) {
    assertThat(ValueRule.split().parse(text)).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "800ms, PT0.8S, 800ms",
    "2s, PT2S, 2s",
    "1m, PT1M, 1m",
    "60s, PT1M, 1m",
    "1h, PT1H, 1h",
    "250us, PT0.00025S, 250us",
    "7ns, PT0.000000007S, 7ns",
    "PT1.5S, PT1.5S, 1500ms",
    "P1D, PT24H, 24h",
    "0s, PT0S, 0s",
  })
  void timesAreReadAndShown(String text, Duration time, String shown) {
    assertThat(Times.parse(text)).isEqualTo(time);
    assertThat(Times.show(time)).isEqualTo(shown);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "2", "2 s", "-2s", "2S", "1.5s", "2min", "1d", "PT", "-PT2S", "PTXS", "9e9s"})
  void everythingElseIsNoTime(String text) {
    assertThat(Times.parse(text)).isNull();
  }

  @Test
  void theTableOfTheDocsHasEachKeyWithItsRuleAndDefault() throws IOException {
    List<String> defaults = ResilienceConfig.fromMap(Map.of()).describe().lines().toList();
    StringBuilder table = new StringBuilder("| Setting | Values | Default |\n|---|---|---|\n");
    for (PolicySetting setting : PolicySetting.values()) {
      String line = defaults.get(setting.ordinal());
      String begin = ConfigKeys.of("default", setting) + " = ";
      assertThat(line).startsWith(begin).endsWith(" (default)");
      String value = line.substring(begin.length(), line.length() - " (default)".length());
      table.append("| `%s` | %s | %s |%n".formatted(setting.key(), setting.rule(), value));
    }
    Path page = Path.of("").toAbsolutePath().resolve("../docs/calls.md");
    assertThat(Files.readString(page)).contains("\n\n" + table + "\n");
  }
}
