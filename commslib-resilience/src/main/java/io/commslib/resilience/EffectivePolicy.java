package io.commslib.resilience;

import io.commslib.core.resilience.CallPolicy;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A policy and the origin of each of its settings. Immutable. */
final class EffectivePolicy {

  private final CallPolicy policy;

  /** The keys of the settings that have one. */
  private final Map<PolicySetting, String> keys;

  EffectivePolicy(CallPolicy policy, Map<PolicySetting, String> keys) {
    this.policy = policy;
    this.keys = new EnumMap<>(PolicySetting.class);
    this.keys.putAll(keys);
  }

  static EffectivePolicy ofCode(CallPolicy policy) {
    return new EffectivePolicy(Objects.requireNonNull(policy, "policy"), Map.of());
  }

  CallPolicy policy() {
    return policy;
  }

  /** Returns one line for each setting: key, value and origin. */
  String describe(String section) {
    StringBuilder lines = new StringBuilder();
    for (PolicySetting setting : PolicySetting.values()) {
      lines
          .append(ConfigKeys.of(section, setting))
          .append(" = ")
          .append(ValueRule.show(setting.read(policy)))
          .append(" (")
          .append(origin(setting))
          .append(")\n");
    }
    return lines.toString();
  }

  /** Any key of the faults gives all their settings values. */
  private String faultsOrigin() {
    for (Map.Entry<PolicySetting, String> each : keys.entrySet()) {
      if (each.getKey().key().startsWith("faults.")) {
        return each.getValue();
      }
    }
    return "code";
  }

  private String origin(PolicySetting setting) {
    String key = keys.get(setting);
    if (key != null) {
      return key;
    }
    @Nullable Object value = setting.read(policy);
    if (Objects.equals(value, setting.read(CallPolicy.defaults()))) {
      return "default";
    }
    return switch (setting) {
      case RATE_LIMITER_ENABLED, RATE_LIMITER_BURST, RATE_LIMITER_MAX_WAIT ->
          origin(PolicySetting.RATE_LIMITER_PER_SECOND);
      case HEDGING_ENABLED, HEDGING_MAX_EXTRA -> origin(PolicySetting.HEDGING_DELAY);
      case FAULTS_ENABLED, FAULTS_DELAY, FAULTS_STATUS, FAULTS_CERTAINTY ->
          origin(PolicySetting.FAULTS_FAIL_PERCENT);
      case FAULTS_FAIL_PERCENT, FAULTS_DELAY_PERCENT -> faultsOrigin();
      case ATTEMPT_TIMEOUT ->
          // The default is cut to a shorter deadline.
          Objects.equals(value, policy.deadline()) ? origin(PolicySetting.DEADLINE) : "code";
      default -> "code";
    };
  }
}
