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
 * How an outbox and its relay work. Immutable; all processes that share the tables use equal
 * settings.
 */
public final class OutboxConfig {

  /** What becomes of later messages of a key when one of them can't be published at all. */
  public enum OnParked {
    /** They wait until the parked one is replayed or discarded: order is kept. */
    BLOCK_KEY,
    /** They go on: order is broken at the parked one. */
    SKIP,
    /**
     * As {@link #BLOCK_KEY}, and nothing more is published for the destination by any relay until
     * {@link OutboxAdmin#resume}. What is with the transport by then still arrives.
     */
    PAUSE_DESTINATION
  }

  private final Builder settings;

  private OutboxConfig(Builder settings) {
    this.settings = settings;
  }

  /**
   * Returns the defaults.
   *
   * @return configuration
   */
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
   * The number of shards, stored by the first outbox that is created on the tables.
   *
   * @return 1 to 1,024, default 32
   */
  public int shards() {
    return settings.shards;
  }

  /**
   * Returns how long a relay owns its shards without renewing.
   *
   * @return 5 s to 10 min, default 15 s
   */
  public Duration leaseTime() {
    return settings.leaseTime;
  }

  /**
   * Returns how often the relay looks when nobody wakes it.
   *
   * @return 10 ms to 1 min, default 1 s
   */
  public Duration pollInterval() {
    return settings.pollInterval;
  }

  /**
   * Returns how many rows one read takes at most.
   *
   * @return 1 to 10,000, default 500
   */
  public int batchSize() {
    return settings.batchSize;
  }

  /**
   * Returns how many rows the relay holds in memory, unconfirmed or waiting behind one of their
   * key.
   *
   * @return 1 to 100,000, default 10,000
   */
  public int maxUnconfirmed() {
    return settings.maxUnconfirmed;
  }

  /**
   * Returns how many bytes of messages the relay holds in memory, give or take one message.
   *
   * @return 64 KiB to 4 GiB, default 64 MiB
   */
  public long maxUnconfirmedBytes() {
    return settings.maxUnconfirmedBytes;
  }

  /**
   * Returns how often a message the transport refuses is attempted before it is parked. Outages do
   * not count.
   *
   * @return 1 to 1,000, default 5
   */
  public int attempts() {
    return settings.attempts;
  }

  /**
   * Returns the wait between attempts, and between looks at a destination that is out of reach.
   *
   * @return the backoff
   */
  public Backoff backoff() {
    return settings.backoff;
  }

  /**
   * Returns what becomes of a key whose message was parked.
   *
   * @return default {@link OnParked#BLOCK_KEY}
   */
  public OnParked onParked() {
    return settings.onParked;
  }

  /**
   * Returns what becomes of a key whose message to a destination was parked.
   *
   * @param to the destination
   * @return what was set for it, else {@link #onParked()}
   */
  public OnParked onParked(Destination to) {
    return onParked(to.toString());
  }

  /** The same for the text of a row, which may be no destination at all. */
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
   * Returns the largest body accepted.
   *
   * @return 1 KiB to 64 MiB, default 1 MiB
   */
  public int maxMessageBytes() {
    return settings.maxMessageBytes;
  }

  /**
   * The source of messages that were built without one.
   *
   * @return default {@code /}
   */
  public String source() {
    return settings.source;
  }

  /**
   * The observer of relays and notifiers.
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
     * Sets the number of shards: the upper bound of relays that work at once.
     *
     * @param shards 1 to 1,024; can't be changed once the tables are in use
     * @return this
     */
    public Builder shards(int shards) {
      this.shards = shards;
      return this;
    }

    /**
     * Sets how long a relay owns its shards without renewing; a crashed relay's messages wait that
     * long.
     *
     * @param leaseTime 5 s to 10 min
     * @return this
     */
    public Builder leaseTime(Duration leaseTime) {
      this.leaseTime = Objects.requireNonNull(leaseTime, "leaseTime");
      return this;
    }

    /**
     * Sets how often the relay looks when nobody wakes it.
     *
     * @param pollInterval 10 ms to 1 min
     * @return this
     */
    public Builder pollInterval(Duration pollInterval) {
      this.pollInterval = Objects.requireNonNull(pollInterval, "pollInterval");
      return this;
    }

    /**
     * Sets how many rows one read takes at most.
     *
     * @param batchSize 1 to 10,000
     * @return this
     */
    public Builder batchSize(int batchSize) {
      this.batchSize = batchSize;
      return this;
    }

    /**
     * Sets how many rows the relay holds in memory; but on PostgreSQL, where a look does not pass
     * over them again, never more than 4,000. No destination gets more of it than it leaves free.
     *
     * @param maxUnconfirmed 1 to 100,000
     * @return this
     */
    public Builder maxUnconfirmed(int maxUnconfirmed) {
      this.maxUnconfirmed = maxUnconfirmed;
      return this;
    }

    /**
     * Sets how many bytes of messages the relay holds in memory. A read may bring up to {@code
     * batchSize} messages over it when small ones are followed by large ones; those are left where
     * they are.
     *
     * @param maxUnconfirmedBytes 64 KiB to 4 GiB
     * @return this
     */
    public Builder maxUnconfirmedBytes(long maxUnconfirmedBytes) {
      this.maxUnconfirmedBytes = maxUnconfirmedBytes;
      return this;
    }

    /**
     * Sets how often a refused message is attempted before it is parked.
     *
     * @param attempts 1 to 1,000
     * @return this
     */
    public Builder attempts(int attempts) {
      this.attempts = attempts;
      return this;
    }

    /**
     * Sets the wait between attempts.
     *
     * @param backoff the backoff
     * @return this
     */
    public Builder backoff(Backoff backoff) {
      this.backoff = Objects.requireNonNull(backoff, "backoff");
      return this;
    }

    /**
     * Sets what becomes of a key whose message was parked.
     *
     * @param onParked block or skip
     * @return this
     */
    public Builder onParked(OnParked onParked) {
      this.onParked = Objects.requireNonNull(onParked, "onParked");
      return this;
    }

    /**
     * Sets what becomes of a key whose message to one destination was parked.
     *
     * @param to the destination
     * @param policy block, skip or pause
     * @return this
     */
    public Builder onParked(Destination to, OnParked policy) {
      perDestination.put(
          Objects.requireNonNull(to, "to").toString(), Objects.requireNonNull(policy, "policy"));
      return this;
    }

    /**
     * Sets whether published messages are kept: their rows move to {@code outbox_archive} instead
     * of being deleted. {@link OutboxAdmin#purgeArchive} deletes them; nothing else does.
     *
     * @param archive true to keep them
     * @return this
     */
    public Builder archive(boolean archive) {
      this.archive = archive;
      return this;
    }

    /**
     * Sets the largest body accepted.
     *
     * @param maxMessageBytes 1 KiB to 64 MiB
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
     * Sets the observer of relays and notifiers. It is told of {@linkplain CommsObserver#onTrouble
     * trouble}: a first failed attempt, parked messages, paused destinations, failed or hanging
     * loops.
     *
     * @param observer default {@link CommsObserver#logging()}, which {@link CommsObserver#and}
     *     combines with others
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
     *     {@code maxUnconfirmed}, or the poll interval is a third of the lease or more; names all
     *     that is wrong, one a line
     */
    public OutboxConfig build() {
      List<String> wrong = new ArrayList<>();
      rule(wrong, () -> Checks.inRange("shards", shards, 1, 1_024));
      rule(
          wrong,
          () ->
              Checks.inRange(
                  "leaseTime", leaseTime, Duration.ofSeconds(5), Duration.ofMinutes(10)));
      rule(
          wrong,
          () ->
              Checks.inRange(
                  "pollInterval", pollInterval, Duration.ofMillis(10), Duration.ofMinutes(1)));
      rule(wrong, () -> Checks.inRange("batchSize", batchSize, 1, 10_000));
      rule(wrong, () -> Checks.inRange("maxUnconfirmed", maxUnconfirmed, 1, 100_000));
      rule(
          wrong,
          () -> Checks.inRange("maxUnconfirmedBytes", maxUnconfirmedBytes, 64L * 1024, 4L << 30));
      rule(wrong, () -> Checks.inRange("attempts", attempts, 1, 1_000));
      rule(wrong, () -> Checks.inRange("maxMessageBytes", maxMessageBytes, 1024, 64 * 1024 * 1024));
      // Only worth saying if the parts are right by themselves.
      if (wrong.isEmpty()) {
        rule(wrong, this::checkCombinations);
      }
      if (!wrong.isEmpty()) {
        throw new IllegalArgumentException(String.join("\n", wrong));
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

    private static void rule(List<String> wrong, Runnable check) {
      try {
        check.run();
      } catch (IllegalArgumentException e) {
        wrong.add(e.getMessage());
      }
    }
  }
}
