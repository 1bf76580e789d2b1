package io.commslib.core.messaging;

import io.commslib.core.checks.Checks;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * How a destination must exist before it is used; passed to {@link MessageTransport#declare}.
 * Immutable.
 */
public final class DestinationConfig {

  /** Rule for group names. */
  static final Pattern GROUP = Pattern.compile("[A-Za-z0-9_-]{1,60}");

  /** Rule for group names, in words. */
  static final String GROUP_RULE = "1..60 of A-Z a-z 0-9 _ -";

  private final Destination destination;
  private final int partitions;
  private final Set<String> groups;
  private final boolean optional;
  private final boolean verifyOnly;

  private DestinationConfig(Builder builder) {
    this.destination = builder.destination;
    this.partitions = builder.partitions;
    this.groups = java.util.Collections.unmodifiableSet(new LinkedHashSet<>(builder.groups));
    this.optional = builder.optional;
    this.verifyOnly = builder.verifyOnly;
  }

  /**
   * Starts a configuration.
   *
   * @param destination what to declare
   * @return builder with the defaults
   */
  public static Builder builder(Destination destination) {
    return new Builder(destination);
  }

  /**
   * Returns what is declared.
   *
   * @return the destination
   */
  public Destination destination() {
    return destination;
  }

  /**
   * Returns the number of partitions; brokers without partitions ignore it.
   *
   * @return 1 to 1,000, default 8
   */
  public int partitions() {
    return partitions;
  }

  /**
   * Returns the subscription groups that must exist from the start, so that a message published
   * before a group's first consumer runs is kept for it. A queue has the one group {@code main}
   * unless another is named.
   *
   * @return unmodifiable, in order of naming
   */
  public Set<String> groups() {
    return groups;
  }

  /**
   * Returns whether a message that no group would get is accepted and forgotten instead of refused.
   *
   * @return default false
   */
  public boolean isOptional() {
    return optional;
  }

  /**
   * Returns whether the destination belongs to somebody else: it is only checked, never created or
   * changed.
   *
   * @return default false
   */
  public boolean isVerifyOnly() {
    return verifyOnly;
  }

  @Override
  public String toString() {
    return "DestinationConfig{"
        + destination
        + ", partitions="
        + partitions
        + ", groups="
        + groups
        + ", optional="
        + optional
        + ", verifyOnly="
        + verifyOnly
        + "}";
  }

  /** Collects the settings. Not thread-safe. */
  public static final class Builder {
    private final Destination destination;
    private int partitions = 8;
    private final Set<String> groups = new LinkedHashSet<>();
    private boolean optional;
    private boolean verifyOnly;

    private Builder(Destination destination) {
      this.destination = Objects.requireNonNull(destination, "destination");
    }

    /**
     * Sets the number of partitions: the upper bound of consumers of a group that work at once on a
     * partitioned broker.
     *
     * @param partitions 1 to 1,000
     * @return this
     */
    public Builder partitions(int partitions) {
      this.partitions = Checks.inRange("partitions", partitions, 1, 1_000);
      return this;
    }

    /**
     * Adds a group that must exist from the start.
     *
     * @param group 1 to 60 characters of {@code A-Za-z0-9_-}
     * @return this
     */
    public Builder group(String group) {
      groups.add(Checks.matches("group", group, GROUP, GROUP_RULE));
      return this;
    }

    /**
     * Accepts and forgets messages nobody would get.
     *
     * @return this
     */
    public Builder optional() {
      this.optional = true;
      return this;
    }

    /**
     * Only checks that the destination exists.
     *
     * @return this
     */
    public Builder verifyOnly() {
      this.verifyOnly = true;
      return this;
    }

    /**
     * Builds the configuration.
     *
     * @return immutable configuration
     * @throws IllegalArgumentException if a queue names more than one group
     */
    public DestinationConfig build() {
      if (destination.kind() == Destination.Kind.QUEUE) {
        if (groups.isEmpty()) {
          groups.add("main");
        }
        Checks.check(groups.size() == 1, "groups", groups, "one group for a queue");
      }
      return new DestinationConfig(this);
    }
  }
}
