package io.commslib.resilience;

import static io.commslib.resilience.PolicySetting.ATTEMPT_TIMEOUT;
import static io.commslib.resilience.PolicySetting.BREAKER_MAX_OPEN_TIME;
import static io.commslib.resilience.PolicySetting.BREAKER_OPEN_TIME;
import static io.commslib.resilience.PolicySetting.DEADLINE;
import static io.commslib.resilience.PolicySetting.HEDGING_DELAY;
import static io.commslib.resilience.PolicySetting.HEDGING_ENABLED;
import static io.commslib.resilience.PolicySetting.HEDGING_MAX_EXTRA;
import static io.commslib.resilience.PolicySetting.RATE_LIMITER_BURST;
import static io.commslib.resilience.PolicySetting.RATE_LIMITER_ENABLED;
import static io.commslib.resilience.PolicySetting.RATE_LIMITER_MAX_WAIT;
import static io.commslib.resilience.PolicySetting.RATE_LIMITER_PER_SECOND;
import static io.commslib.resilience.PolicySetting.RETRY_BACKOFF_FIRST;
import static io.commslib.resilience.PolicySetting.RETRY_BACKOFF_MAX;

import io.commslib.core.checks.Checks;
import io.commslib.core.resilience.CallPolicy;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads entries into policies and collects all errors. Used once; confined to one thread. */
final class ConfigReader {

  private final ConfigErrors errors;
  private final CallPolicy codeDefaults;
  private final Map<String, CallPolicy> codePolicies;
  private final Map<String, Section> sections = new TreeMap<>();
  private final Set<String> seen = new HashSet<>();

  /** What is set for one remote, or for all that have no section of their own. */
  private static final class Section {
    private final Map<PolicySetting, Object> values = new EnumMap<>(PolicySetting.class);
    private final Map<PolicySetting, String> keys = new EnumMap<>(PolicySetting.class);

    /** Settings with an error, which are compared with no other. */
    private final Set<PolicySetting> wrong = EnumSet.noneOf(PolicySetting.class);

    private void addAll(Section other) {
      values.putAll(other.values);
      keys.putAll(other.keys);
      wrong.addAll(other.wrong);
    }
  }

  ConfigReader(ConfigErrors errors, CallPolicy codeDefaults, Map<String, CallPolicy> codePolicies) {
    this.errors = errors;
    this.codeDefaults = codeDefaults;
    this.codePolicies = codePolicies;
  }

  void add(String key, String text) {
    ConfigKeys.Parsed parsed = key.length() > ConfigKeys.MAX_CHARS ? null : ConfigKeys.parse(key);
    if (parsed == null) {
      errors.unknown(key, text);
      return;
    }
    Section section = sections.computeIfAbsent(parsed.section(), name -> new Section());
    PolicySetting setting = parsed.setting();
    if (!seen.add(key)) {
      errors.wrong(key, Checks.shorten(text), "the key once");
      return;
    }
    Object value = setting.rule().parse(text.strip());
    if (value == null) {
      section.wrong.add(setting);
      errors.wrong(key, Checks.shorten(text), setting.rule().toString());
      return;
    }
    section.values.put(setting, value);
    section.keys.put(setting, key);
  }

  /** Returns the policies of all sections and of all services that have one in code. */
  Map<String, EffectivePolicy> policies() {
    Map<String, EffectivePolicy> policies = new TreeMap<>();
    Section defaults = sections.computeIfAbsent(ConfigKeys.DEFAULT, name -> new Section());
    policies.put(ConfigKeys.DEFAULT, effective(ConfigKeys.DEFAULT, defaults, codeDefaults));
    Set<String> names = new HashSet<>(sections.keySet());
    names.addAll(codePolicies.keySet());
    names.remove(ConfigKeys.DEFAULT);
    if (names.size() > Resilience.MAX_REMOTES) {
      errors.wrong(
          "calls.*",
          String.valueOf(names.size()),
          "at most " + Resilience.MAX_REMOTES + " remotes");
      return policies;
    }
    for (String name : names) {
      Section merged = new Section();
      CallPolicy code = codePolicies.get(name);
      if (code == null) {
        merged.addAll(defaults);
      }
      Section own = sections.get(name);
      if (own != null) {
        merged.addAll(own);
      }
      policies.put(name, effective(name, merged, code == null ? codeDefaults : code));
    }
    return policies;
  }

  private EffectivePolicy effective(String name, Section section, CallPolicy base) {
    PolicyDraft draft = new PolicyDraft(base);
    section.values.forEach((setting, value) -> setting.write(draft, value));
    Overlay overlay = new Overlay(name, section, base);
    boolean fits = areGiven(overlay);
    fits &= inOrder(overlay, RETRY_BACKOFF_FIRST, RETRY_BACKOFF_MAX);
    fits &= inOrder(overlay, BREAKER_OPEN_TIME, BREAKER_MAX_OPEN_TIME);
    if (!fits || section.wrong.contains(DEADLINE)) {
      return EffectivePolicy.ofCode(base);
    }
    try {
      return new EffectivePolicy(draft.build(), section.keys);
    } catch (IllegalArgumentException e) {
      // The time of an attempt that is set, here or in code, exceeds the deadline.
      String rule = "10ms.." + ValueRule.show(overlay.value(DEADLINE)) + ", the deadline";
      contradiction(overlay, ATTEMPT_TIMEOUT, rule, DEADLINE);
      return EffectivePolicy.ofCode(base);
    }
  }

  /** The settings of a remote over its policy in code. */
  private record Overlay(String name, Section section, CallPolicy base) {

    @Nullable Object value(PolicySetting setting) {
      Object given = section.values.get(setting);
      return given == null ? setting.read(base) : given;
    }
  }

  /**
   * There is no default rate and no default delay, so other settings of these policies need one.
   */
  private boolean areGiven(Overlay overlay) {
    boolean rate =
        isGiven(
            overlay,
            "rate limiter",
            RATE_LIMITER_PER_SECOND,
            RATE_LIMITER_BURST,
            RATE_LIMITER_MAX_WAIT,
            RATE_LIMITER_ENABLED);
    return rate & isGiven(overlay, "hedging", HEDGING_DELAY, HEDGING_MAX_EXTRA, HEDGING_ENABLED);
  }

  private boolean isGiven(
      Overlay overlay, String policy, PolicySetting needed, PolicySetting... others) {
    Map<PolicySetting, Object> given = overlay.section.values;
    boolean isUsed =
        Arrays.stream(others)
            .anyMatch(each -> given.containsKey(each) && !Boolean.FALSE.equals(given.get(each)));
    if (!isUsed || overlay.value(needed) != null || overlay.section.wrong.contains(needed)) {
      return true;
    }
    String rule = needed.rule() + ", since other settings of the " + policy + " are set";
    contradiction(overlay, needed, rule, others);
    return false;
  }

  private boolean inOrder(Overlay overlay, PolicySetting least, PolicySetting most) {
    Set<PolicySetting> wrong = overlay.section.wrong;
    if (!wrong.contains(least)
        && !wrong.contains(most)
        && overlay.value(least) instanceof Duration low
        && overlay.value(most) instanceof Duration high
        && low.compareTo(high) > 0) {
      String max = Times.show(Duration.ofNanos(most.rule().max()));
      String rule = Times.show(low) + ".." + max + ", at least " + least.key();
      contradiction(overlay, most, rule, least);
      return false;
    }
    return true;
  }

  /** Reports settings that contradict each other, unless the default section has the same error. */
  private void contradiction(
      Overlay overlay, PolicySetting setting, String rule, PolicySetting... others) {
    Section own = sections.get(overlay.name);
    boolean isOwn =
        overlay.name.equals(ConfigKeys.DEFAULT)
            || codePolicies.containsKey(overlay.name)
            || (own != null
                && (own.values.containsKey(setting)
                    || Arrays.stream(others).anyMatch(own.values::containsKey)));
    if (!isOwn) {
      return;
    }
    String key = ConfigKeys.of(overlay.name, setting);
    String origin = overlay.section.keys.get(setting);
    String hint = origin == null || origin.equals(key) ? "" : "; the value is that of " + origin;
    errors.wrong(key, ValueRule.show(overlay.value(setting)), rule + hint);
  }
}
