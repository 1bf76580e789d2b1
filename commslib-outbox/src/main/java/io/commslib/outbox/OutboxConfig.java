package io.commslib.outbox;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Destination;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.wire.DefaultSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * Settings of an outbox and its relays. Immutable. All processes that share the tables use equal
 * settings.
 */
public final class OutboxConfig {

  /** The treatment of a key's later messages once one of its messages is parked. */
  public enum OnParked {
    /** They wait until the parked message is redriven or discarded. The order is kept. */
    BLOCK_KEY,
    /** They are published. The order is broken at the parked message. */
    SKIP,
    /**
     * As {@link #BLOCK_KEY}, and in addition no relay publishes to the destination until {@link
     * OutboxAdmin#resume}. Messages that the transport has already accepted still arrive.
     */
    PAUSE_DESTINATION
  }

  private final Builder settings;

  private OutboxConfig(Builder settings) {
    this.settings = settings;
  }

  /** {@return the configuration with all defaults} */
  public static OutboxConfig defaults() {
    return builder().build();
  }

  /**
   * Starts a configuration from the defaults.
   *
   * @return new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Returns the number of shards. The first outbox that is created on the tables stores it.
   *
   * @return 1 to 1,024, default 32
   */
  public int shards() {
    return settings.shards;
  }

  /**
   * Returns the time for which a relay owns its shards without renewing the lease.
   *
   * @return 5 s to 10 min, default 15 s
   */
  public Duration leaseTime() {
    return settings.leaseTime;
  }

  /**
   * Returns the time between reads of a relay that is not woken.
   *
   * @return 10 ms to 1 min, default 1 s
   */
  public Duration pollInterval() {
    return settings.pollInterval;
  }

  /**
   * Returns the maximum number of rows of one read.
   *
   * @return 1 to 10,000, default 500
   */
  public int batchSize() {
    return settings.batchSize;
  }

  /**
   * Returns the maximum number of rows that the relay has in memory, unconfirmed or waiting behind
   * another row of their key.
   *
   * @return 1 to 100,000, default 10,000
   */
  public int maxUnconfirmed() {
    return settings.maxUnconfirmed;
  }

  /**
   * Returns the maximum number of bytes of messages that the relay has in memory. One message may
   * exceed it.
   *
   * @return 64 KiB to 4 GiB, default 64 MiB
   */
  public long maxUnconfirmedBytes() {
    return settings.maxUnconfirmedBytes;
  }

  /**
   * Returns the number of attempts after which a message that the transport rejects is parked.
   * Outages do not count.
   *
   * @return 1 to 1,000, default 5
   */
  public int attempts() {
    return settings.attempts;
  }

  /**
   * Returns the wait between attempts, and between probes of an unreachable destination.
   *
   * @return the backoff, default from 200 ms to 10 s
   */
  public Backoff backoff() {
    return settings.backoff;
  }

  /**
   * Returns the treatment of a key whose message was parked.
   *
   * @return default {@link OnParked#BLOCK_KEY}
   */
  public OnParked onParked() {
    return settings.onParked;
  }

  /**
   * Returns the treatment of a key whose message to a destination was parked.
   *
   * @param to the destination
   * @return the setting of the destination, else {@link #onParked()}
   */
  public OnParked onParked(Destination to) {
    return onParked(to.toString());
  }

  /** The same for the text of a row, which may not be a valid destination. */
  OnParked onParked(String destination) {
    return settings.perDestination.getOrDefault(destination, settings.onParked);
  }

  /**
   * Returns whether published messages are kept in {@code outbox_archive}.
   *
   * @return default false
   */
  public boolean archive() {
    return settings.archive;
  }

  /**
   * Returns the largest accepted body in bytes.
   *
   * @return 1 KiB to 64 MiB, default 1 MiB
   */
  public int maxMessageBytes() {
    return settings.maxMessageBytes;
  }

  /**
   * Returns the source of messages that were built without one.
   *
   * @return default {@code /}
   */
  public String source() {
    return settings.source;
  }

  /**
   * Returns the observer of relays and notifiers.
   *
   * @return default {@link CommsObserver#logging()}
   */
  public CommsObserver observer() {
    return settings.observer;
  }

  @Override
  public String toString() {
    return "OutboxConfig{shards="
        + shards()
        + ", leaseTime="
        + leaseTime()
        + ", pollInterval="
        + pollInterval()
        + ", batchSize="
        + batchSize()
        + ", maxUnconfirmed="
        + maxUnconfirmed()
        + ", maxUnconfirmedBytes="
        + maxUnconfirmedBytes()
        + ", attempts="
        + attempts()
        + ", backoff="
        + backoff()
        + ", onParked="
        + onParked()
        + (settings.perDestination.isEmpty() ? "" : settings.perDestination)
        + ", archive="
        + archive()
        + ", maxMessageBytes="
        + maxMessageBytes()
        + ", source="
        + source()
        + "}";
  }

  /** Collects the settings. Not thread-safe. */
  public static final class Builder {
    private int shards = 32;
    private Duration leaseTime = Duration.ofSeconds(15);
    private Duration pollInterval = Duration.ofSeconds(1);
    private int batchSize = 500;
    private int maxUnconfirmed = 10_000;
    private long maxUnconfirmedBytes = 64L * 1024 * 1024;
    private int attempts = 5;
    private Backoff backoff = Backoff.exponential(Duration.ofMillis(200), Duration.ofSeconds(10));
    private OnParked onParked = OnParked.BLOCK_KEY;
    private boolean archive;
    private final Map<String, OnParked> perDestination = new TreeMap<>();
    private int maxMessageBytes = 1024 * 1024;
    private String source = DefaultSource.NONE;
    private CommsObserver observer = CommsObserver.logging();

    private Builder() {}

    /**
     * Sets the number of shards, which is the maximum number of relays that work at the same time.
     * It can't be changed once the tables are in use.
     *
     * @param shards 1 to 1,024; default 32
     * @return this
     */
    public Builder shards(int shards) {
      this.shards = shards;
      return this;
    }

    /**
     * Sets the time for which a relay owns its shards without renewing the lease. The messages of a
     * crashed relay wait that long. A short lease is lost more easily in a pause of the process.
     *
     * @param leaseTime 5 s to 10 min; default 15 s
     * @return this
     */
    public Builder leaseTime(Duration leaseTime) {
      this.leaseTime = Objects.requireNonNull(leaseTime, "leaseTime");
      return this;
    }

    /**
     * Sets the time between reads of a relay that is not woken. It is the latency of messages that
     * another process writes without an {@link OutboxNotifier}.
     *
     * @param pollInterval 10 ms to 1 min, less than a third of the lease; default 1 s
     * @return this
     */
    public Builder pollInterval(Duration pollInterval) {
      this.pollInterval = Objects.requireNonNull(pollInterval, "pollInterval");
      return this;
    }

    /**
     * Sets the maximum number of rows of one read.
     *
     * @param batchSize 1 to 10,000, at most {@code maxUnconfirmed}; default 500
     * @return this
     */
    public Builder batchSize(int batchSize) {
      this.batchSize = batchSize;
      return this;
    }

    /**
     * Sets the maximum number of rows that the relay has in memory. On PostgreSQL, where a read
     * does not pass over these rows again, it never has more than 4,000. One destination gets at
     * most as many rows as it leaves free for others.
     *
     * @param maxUnconfirmed 1 to 100,000; default 10,000
     * @return this
     */
    public Builder maxUnconfirmed(int maxUnconfirmed) {
      this.maxUnconfirmed = maxUnconfirmed;
      return this;
    }

    /**
     * Sets the maximum number of bytes of messages that the relay has in memory. A read may fetch
     * up to {@code batchSize} messages beyond it when small messages are followed by large ones.
     * The relay leaves those in the table.
     *
     * @param maxUnconfirmedBytes 64 KiB to 4 GiB; default 64 MiB
     * @return this
     */
    public Builder maxUnconfirmedBytes(long maxUnconfirmedBytes) {
      this.maxUnconfirmedBytes = maxUnconfirmedBytes;
      return this;
    }

    /**
     * Sets the number of attempts after which a message that the transport rejects is parked.
     * Outages do not count.
     *
     * @param attempts 1 to 1,000; default 5
     * @return this
     */
    public Builder attempts(int attempts) {
      this.attempts = attempts;
      return this;
    }

    /**
     * Sets the wait between attempts, and between probes of an unreachable destination.
     *
     * @param backoff the backoff; default exponential, from 200 ms to 10 s
     * @return this
     */
    public Builder backoff(Backoff backoff) {
      this.backoff = Objects.requireNonNull(backoff, "backoff");
      return this;
    }

    /**
     * Sets the treatment of a key whose message was parked.
     *
     * @param onParked block, skip or pause; default {@link OnParked#BLOCK_KEY}
     * @return this
     */
    public Builder onParked(OnParked onParked) {
      this.onParked = Objects.requireNonNull(onParked, "onParked");
      return this;
    }

    /**
     * Sets the treatment of a key whose message to one destination was parked.
     *
     * @param to the destination
     * @param policy block, skip or pause; default is the setting for all destinations
     * @return this
     */
    public Builder onParked(Destination to, OnParked policy) {
      perDestination.put(
          Objects.requireNonNull(to, "to").toString(), Objects.requireNonNull(policy, "policy"));
      return this;
    }

    /**
     * Sets whether published messages are kept: their rows move to {@code outbox_archive} instead
     * of being deleted. Only {@link OutboxAdmin#purgeArchive} deletes them.
     *
     * @param archive true to keep them; default false
     * @return this
     */
    public Builder archive(boolean archive) {
      this.archive = archive;
      return this;
    }

    /**
     * Sets the largest accepted body in bytes.
     *
     * @param maxMessageBytes 1 KiB to 64 MiB; default 1 MiB
     * @return this
     */
    public Builder maxMessageBytes(int maxMessageBytes) {
      this.maxMessageBytes = maxMessageBytes;
      return this;
    }

    /**
     * Sets the source of messages that were built without one: the name of the service. Ids are
     * unique per source only, so two services must not share one.
     *
     * @param source URI reference such as {@code /orders}, 1 to 256 characters; default {@code /}
     * @return this
     */
    public Builder source(String source) {
      this.source = DefaultSource.checked(source);
      return this;
    }

    /**
     * Sets the observer of relays and notifiers. Its {@link CommsObserver#onTrouble} reports first
     * failed attempts, parked messages, paused destinations, and failed or stalled loops.
     *
     * @param observer the observer, which {@link CommsObserver#and} combines with others; default
     *     {@link CommsObserver#logging()}
     * @return this
     */
    public Builder observer(CommsObserver observer) {
      this.observer = Objects.requireNonNull(observer, "observer");
      return this;
    }

    /**
     * Builds the configuration.
     *
     * @return immutable configuration
     * @throws IllegalArgumentException if a setting is out of range, {@code batchSize} exceeds
     *     {@code maxUnconfirmed}, or the poll interval is a third of the lease or more; names every
     *     violation, one on each line
     */
    public OutboxConfig build() {
      List<String> violations = new ArrayList<>();
      check(violations, () -> Checks.inRange("shards", shards, 1, 1_024));
      check(
          violations,
          () ->
              Checks.inRange(
                  "leaseTime", leaseTime, Duration.ofSeconds(5), Duration.ofMinutes(10)));
      check(
          violations,
          () ->
              Checks.inRange(
                  "pollInterval", pollInterval, Duration.ofMillis(10), Duration.ofMinutes(1)));
      check(violations, () -> Checks.inRange("batchSize", batchSize, 1, 10_000));
      check(violations, () -> Checks.inRange("maxUnconfirmed", maxUnconfirmed, 1, 100_000));
      check(
          violations,
          () -> Checks.inRange("maxUnconfirmedBytes", maxUnconfirmedBytes, 64L * 1024, 4L << 30));
      check(violations, () -> Checks.inRange("attempts", attempts, 1, 1_000));
      check(
          violations,
          () -> Checks.inRange("maxMessageBytes", maxMessageBytes, 1024, 64 * 1024 * 1024));
      // Combinations make sense only for settings that are valid by themselves.
      if (violations.isEmpty()) {
        check(violations, this::checkCombinations);
      }
      if (!violations.isEmpty()) {
        throw new IllegalArgumentException(String.join("\n", violations));
      }
      Builder copy = new Builder();
      copy.shards = shards;
      copy.leaseTime = leaseTime;
      copy.pollInterval = pollInterval;
      copy.batchSize = batchSize;
      copy.maxUnconfirmed = maxUnconfirmed;
      copy.maxUnconfirmedBytes = maxUnconfirmedBytes;
      copy.attempts = attempts;
      copy.backoff = backoff;
      copy.onParked = onParked;
      copy.perDestination.putAll(perDestination);
      copy.archive = archive;
      copy.maxMessageBytes = maxMessageBytes;
      copy.source = source;
      copy.observer = observer;
      return new OutboxConfig(copy);
    }

    private void checkCombinations() {
      Checks.check(
          batchSize <= maxUnconfirmed,
          "batchSize",
          batchSize,
          "at most maxUnconfirmed, " + maxUnconfirmed);
      Checks.check(
          pollInterval.multipliedBy(3).compareTo(leaseTime) < 0,
          "pollInterval",
          pollInterval,
          "less than a third of leaseTime, " + leaseTime);
    }

    private static void check(List<String> violations, Runnable check) {
      try {
        check.run();
      } catch (IllegalArgumentException e) {
        violations.add(e.getMessage());
      }
    }
  }
}
