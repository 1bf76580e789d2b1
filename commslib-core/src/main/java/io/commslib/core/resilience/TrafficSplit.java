package io.commslib.core.resilience;

import io.commslib.core.checks.Checks;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Splits the calls to a remote over named subsets of its instances by weight, for example a canary.
 * The code of an attempt reads its subset from {@code CallContext.subset()} and chooses the
 * instance. Immutable value.
 */
public final class TrafficSplit {

  /** The maximum number of subsets. */
  public static final int MAX_SUBSETS = 8;

  /** The maximum weight of a subset. */
  public static final int MAX_WEIGHT = 10_000;

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  private final Map<String, Integer> weights;

  private TrafficSplit(Map<String, Integer> weights) {
    this.weights = Collections.unmodifiableMap(new LinkedHashMap<>(weights));
  }

  /**
   * Returns a split over two subsets.
   *
   * @param subset a name: 1 to 64 letters, digits, dots, hyphens and underscores
   * @param weight its weight, 0 to {@value #MAX_WEIGHT}
   * @param other another name
   * @param otherWeight its weight
   * @return the split
   * @throws IllegalArgumentException if a value breaks its rule, the names are equal, or no weight
   *     is above zero
   */
  public static TrafficSplit of(String subset, int weight, String other, int otherWeight) {
    Checks.check(!subset.equals(other), "subset", other, "a name that is given once");
    Map<String, Integer> weights = new LinkedHashMap<>();
    weights.put(subset, weight);
    weights.put(other, otherWeight);
    return of(weights);
  }

  /**
   * Returns a split.
   *
   * @param weights 1 to {@value #MAX_SUBSETS} names with weights; a subset with weight 0 gets no
   *     calls and keeps its breaker
   * @return the split
   * @throws IllegalArgumentException if a value breaks its rule or no weight is above zero
   */
  public static TrafficSplit of(Map<String, Integer> weights) {
    Checks.inRange("subsets", weights.size(), 1, MAX_SUBSETS);
    int sum = 0;
    for (Map.Entry<String, Integer> each : weights.entrySet()) {
      Checks.matches(
          "subset", each.getKey(), NAME, "1 to 64 letters, digits, dots, hyphens, underscores");
      sum += Checks.inRange("weight of " + each.getKey(), each.getValue(), 0, MAX_WEIGHT);
    }
    Checks.check(sum > 0, "weights", weights, "one above 0");
    return new TrafficSplit(weights);
  }

  /** {@return the weights by subset, in their order, unmodifiable} */
  public Map<String, Integer> weights() {
    return weights;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof TrafficSplit that && weights.equals(that.weights);
  }

  @Override
  public int hashCode() {
    return weights.hashCode();
  }

  /** {@return the form of the configuration, for example {@code v1:95,v2:5}} */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    weights.forEach(
        (name, weight) ->
            text.append(text.isEmpty() ? "" : ",").append(name).append(':').append(weight));
    return text.toString();
  }
}
