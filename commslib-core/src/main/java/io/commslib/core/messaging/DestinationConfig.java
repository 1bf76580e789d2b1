package io.commslib.core.messaging;

import io.commslib.core.checks.Checks;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Properties that a destination must have before it is used; passed to {@link
 * MessageTransport#declare}. Immutable.
 */
public final class DestinationConfig {

  /** Rule for group names. */
  static final Pattern GROUP = Pattern.compile("[A-Za-z0-9_-]{1,60}");

  /** Rule for group names, in words. */
  static final String GROUP_RULE = "1..60 of A-Z a-z 0-9 _ -";

  private final Destination destination;
  private final int partitions;
  private final boolean partitionsSet;
  private final Set<String> groups;
  private final boolean optional;
  private final boolean verifyOnly;
  private final @Nullable MessageFormat format;

  private DestinationConfig(Builder builder) {
    this.destination = builder.destination;
    this.partitions = builder.partitions;
    this.partitionsSet = builder.partitionsSet;
    this.groups = java.util.Collections.unmodifiableSet(new LinkedHashSet<>(builder.groups));
    this.optional = builder.optional;
    this.verifyOnly = builder.verifyOnly;
    this.format = builder.format;
  }

  /**
   * Starts a configuration.
   *
   * @param destination the destination to declare
   * @return builder with the defaults
   */
  public static Builder builder(Destination destination) {
    return new Builder(destination);
  }

  /** {@return the destination that is declared} */
  public Destination destination() {
    return destination;
  }

  /** {@return the number of partitions; brokers without partitions ignore it} */
  public int partitions() {
    return partitions;
  }

  /**
   * {@return whether the number of partitions was set; if not, a destination that exists may have
   * any number}
   */
  public boolean hasPartitions() {
    return partitionsSet;
  }

  /**
   * Returns the subscription groups that must exist from the start. A message published before a
   * group's first consumer runs is kept for these groups. A queue has the one group {@code main}
   * unless another is named.
   *
   * @return the groups in the order in which they were added; unmodifiable
   */
  public Set<String> groups() {
    return groups;
  }

  /** {@return whether a message is accepted and discarded if no group gets it; false by default} */
  public boolean isOptional() {
    return optional;
  }

  /**
   * {@return whether the destination is owned by another service or team: it is only checked, never
   * created or changed; false by default}
   */
  public boolean isVerifyOnly() {
    return verifyOnly;
  }

  /**
   * {@return the format of the destination's records; empty for the CloudEvents of the transport}
   */
  public Optional<MessageFormat> format() {
    return Optional.ofNullable(format);
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
        + ", format="
        + (format == null ? "CloudEvents" : format.name())
        + "}";
  }

  /** Collects the settings. Not thread-safe. */
  public static final class Builder {
    private final Destination destination;
    private int partitions = 8;
    private boolean partitionsSet;
    private final Set<String> groups = new LinkedHashSet<>();
    private boolean optional;
    private boolean verifyOnly;
    private @Nullable MessageFormat format;

    private Builder(Destination destination) {
      this.destination = Objects.requireNonNull(destination, "destination");
    }

    /**
     * Sets the number of partitions: on a partitioned broker the maximum number of members of a
     * group that work at the same time. Raise it to scale out. Brokers without partitions ignore
     * it.
     *
     * @param partitions 1 to 1,000; default 8, and any number if the destination exists
     * @return this
     */
    public Builder partitions(int partitions) {
      this.partitions = Checks.inRange("partitions", partitions, 1, 1_000);
      this.partitionsSet = true;
      return this;
    }

    /**
     * Adds a group that must exist from the start, so that messages are kept for it before its
     * first consumer runs. By default a topic has none and a queue has {@code main}.
     *
     * @param group 1 to 60 characters of {@code A-Za-z0-9_-}
     * @return this
     */
    public Builder group(String group) {
      groups.add(Checks.matches("group", group, GROUP, GROUP_RULE));
      return this;
    }

    /**
     * Accepts and discards messages that no group gets. By default publishing them fails.
     *
     * @return this
     */
    public Builder optional() {
      this.optional = true;
      return this;
    }

    /**
     * Only checks that the destination exists as configured. By default it is created if missing.
     *
     * @return this
     */
    public Builder verifyOnly() {
      this.verifyOnly = true;
      return this;
    }

    /**
     * Sets the format of the destination's records. Everything that this process receives from the
     * destination is read with it, and everything that it publishes to the destination is written
     * with it; an outbox's messages are written by the process that relays them, which therefore
     * needs the format.
     *
     * @param format for example one of {@code io.commslib.core.format}; default the CloudEvents of
     *     the transport
     * @return this
     */
    public Builder format(MessageFormat format) {
      this.format = Objects.requireNonNull(format, "format");
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
