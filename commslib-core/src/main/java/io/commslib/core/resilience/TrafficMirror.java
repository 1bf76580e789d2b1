package io.commslib.core.resilience;

import io.commslib.core.checks.Checks;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Copies a share of the {@code SAFE} calls to a remote to a named subset of its instances, for
 * example a new version that must see real calls before its answers are used. The answers of copies
 * are discarded. Immutable value.
 */
public final class TrafficMirror {

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  private final String subset;
  private final int percent;

  private TrafficMirror(String subset, int percent) {
    this.subset = subset;
    this.percent = percent;
  }

  /**
   * Returns a mirror.
   *
   * @param subset the subset that gets the copies: 1 to 64 letters, digits, dots, hyphens and
   *     underscores
   * @param percent the share of the calls that are copied, 1 to 100
   * @return the mirror
   * @throws IllegalArgumentException if a value breaks its rule
   */
  public static TrafficMirror of(String subset, int percent) {
    return new TrafficMirror(
        Checks.matches(
            "subset", subset, NAME, "1 to 64 letters, digits, dots, hyphens, underscores"),
        Checks.inRange("percent", percent, 1, 100));
  }

  /** {@return the subset that gets the copies} */
  public String subset() {
    return subset;
  }

  /** {@return the share of the calls that are copied, 1 to 100} */
  public int percent() {
    return percent;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof TrafficMirror that
        && subset.equals(that.subset)
        && percent == that.percent;
  }

  @Override
  public int hashCode() {
    return 31 * subset.hashCode() + percent;
  }

  /** {@return the form of the configuration, for example {@code canary:5}} */
  @Override
  public String toString() {
    return subset + ":" + percent;
  }
}
