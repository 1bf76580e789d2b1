package io.commslib.core;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** Health of one component, or of several together, at one moment. Immutable. */
public final class Health {

  /** Status of a component. */
  public enum Status {
    /** The component works. */
    UP,
    /** The component works with delay or reduced: paused, retrying, backlog. */
    DEGRADED,
    /** The component does not work until an operator or a recovered dependency helps. */
    DOWN
  }

  private final Status status;
  private final String reason;
  private final Map<String, String> details;
  private final Map<String, Health> components;

  private Health(
      Status status, String reason, Map<String, String> details, Map<String, Health> components) {
    this.status = Objects.requireNonNull(status, "status");
    this.reason = Objects.requireNonNull(reason, "reason");
    this.details = java.util.Collections.unmodifiableMap(new TreeMap<>(details));
    this.components = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(components));
  }

  /**
   * Returns the health of one component.
   *
   * @param status status of the component
   * @param reason reason why it is not {@link Status#UP}; empty if it is
   * @param details figures by name
   * @return the health
   */
  public static Health of(Status status, String reason, Map<String, String> details) {
    return new Health(status, reason, details, Map.of());
  }

  /**
   * Returns the health of several components together: the worst status of all.
   *
   * @param components health by component name, in start order
   * @return the combined health
   */
  public static Health combine(Map<String, Health> components) {
    Status worst = Status.UP;
    StringBuilder reason = new StringBuilder();
    for (Map.Entry<String, Health> component : components.entrySet()) {
      Health health = component.getValue();
      if (health.status.compareTo(worst) > 0) {
        worst = health.status;
      }
      if (health.status != Status.UP) {
        reason
            .append(reason.isEmpty() ? "" : "; ")
            .append(component.getKey())
            .append(": ")
            .append(health.reason);
      }
    }
    return new Health(worst, reason.toString(), Map.of(), components);
  }

  /** {@return the status} */
  public Status status() {
    return status;
  }

  /** {@return the reason why the status is not up; empty if it is} */
  public String reason() {
    return reason;
  }

  /** {@return figures by name, sorted by name; unmodifiable} */
  public Map<String, String> details() {
    return details;
  }

  /**
   * {@return the components from which this health was combined, in start order; unmodifiable,
   * empty for a single component}
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
