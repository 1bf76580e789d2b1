package io.commslib.core;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** Health of one part, or of several together, at one moment. Immutable. */
public final class Health {

  /** How well a part does its work. */
  public enum Status {
    /** Works. */
    UP,
    /** Works with delay or with less than it should: paused, retrying, backlog. */
    DEGRADED,
    /** Does not work without help. */
    DOWN
  }

  private final Status status;
  private final String reason;
  private final Map<String, String> details;
  private final Map<String, Health> components;

  private Health(
      Status status, String reason, Map<String, String> details, Map<String, Health> parts) {
    this.status = Objects.requireNonNull(status, "status");
    this.reason = Objects.requireNonNull(reason, "reason");
    this.details = java.util.Collections.unmodifiableMap(new TreeMap<>(details));
    this.components = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(parts));
  }

  /**
   * Returns the health of one part.
   *
   * @param status how well it works
   * @param reason why it is not {@link Status#UP}; empty when it is
   * @param details figures by name, oldest ages before counts
   * @return the health
   */
  public static Health of(Status status, String reason, Map<String, String> details) {
    return new Health(status, reason, details, Map.of());
  }

  /**
   * Returns the health of several parts together: the worst status of all.
   *
   * @param parts health by part name
   * @return the health of the whole
   */
  public static Health combine(Map<String, Health> parts) {
    Status worst = Status.UP;
    StringBuilder reason = new StringBuilder();
    for (Map.Entry<String, Health> part : parts.entrySet()) {
      Health health = part.getValue();
      if (health.status.compareTo(worst) > 0) {
        worst = health.status;
      }
      if (health.status != Status.UP) {
        reason
            .append(reason.isEmpty() ? "" : "; ")
            .append(part.getKey())
            .append(": ")
            .append(health.reason);
      }
    }
    return new Health(worst, reason.toString(), Map.of(), parts);
  }

  /**
   * Returns the status.
   *
   * @return how well it works
   */
  public Status status() {
    return status;
  }

  /**
   * Returns why it is not up.
   *
   * @return the reason, empty when up
   */
  public String reason() {
    return reason;
  }

  /**
   * Returns figures by name.
   *
   * @return unmodifiable, sorted by name
   */
  public Map<String, String> details() {
    return details;
  }

  /**
   * Returns the parts this health was combined from.
   *
   * @return unmodifiable, in start order; empty for a single part
   */
  public Map<String, Health> components() {
    return components;
  }

  @Override
  public String toString() {
    return status
        + (reason.isEmpty() ? "" : " (" + reason + ")")
        + (details.isEmpty() ? "" : " " + details);
  }
}
