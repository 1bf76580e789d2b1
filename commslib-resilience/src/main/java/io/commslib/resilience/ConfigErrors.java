package io.commslib.resilience;

import io.commslib.core.checks.Checks;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The errors of a configuration, a bounded number of them in detail. Confined to one thread. */
final class ConfigErrors {

  private final List<ConfigError> errors = new ArrayList<>();
  private int count;

  /** Whether another error is kept in detail. */
  private boolean isKept() {
    count++;
    return errors.size() < ResilienceConfigException.MAX_ERRORS;
  }

  void wrong(String key, String value, String rule) {
    if (isKept()) {
      errors.add(new ConfigError(cut(key), value, rule, Optional.empty()));
    }
  }

  void unknown(String key, String value) {
    if (!isKept()) {
      return;
    }
    boolean isLong = key.length() > ConfigKeys.MAX_CHARS;
    errors.add(
        new ConfigError(
            cut(key),
            Checks.shorten(value),
            isLong ? "a key of at most " + ConfigKeys.MAX_CHARS + " characters" : "a known key",
            isLong ? Optional.empty() : Optional.of(ConfigKeys.nearest(key))));
  }

  /** The beginning of a key without quotes; known ones are never cut. */
  private static String cut(String key) {
    if (key.length() <= ConfigKeys.MAX_CHARS && ConfigKeys.parse(key) != null) {
      return key;
    }
    String quoted = Checks.shorten(key);
    return quoted.substring(1, quoted.length() - 1);
  }

  /**
   * Ends the reading.
   *
   * @throws ResilienceConfigException if there are errors
   */
  void refuse() {
    if (count > 0) {
      throw new ResilienceConfigException(errors, count);
    }
  }
}
