package io.commslib.core.messaging;

import io.commslib.core.checks.Checks;
import io.commslib.core.resilience.Gate;
import io.commslib.core.tx.TransactionRunner;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** How one subscription consumes. Immutable; {@link #toBuilder()} makes a changed copy. */
public final class SubscriptionConfig {

  private final Builder settings;

  private SubscriptionConfig(Builder builder) {
    this.settings = builder;
  }

  /**
   * Starts a subscription to a topic for a group: every group gets each message, one member of the
   * group handles it.
   *
   * @param destination what to consume
   * @param group 1 to 60 characters of {@code A-Za-z0-9_-}
   * @return builder with the defaults
   */
  public static Builder builder(Destination destination, String group) {
    return new Builder(destination, group);
  }

  /**
   * Starts a subscription to a queue, whose one group is {@code main}.
   *
   * @param queue what to consume
   * @return builder with the defaults
   */
  public static Builder builder(Destination queue) {
    Checks.check(
        queue.kind() == Destination.Kind.QUEUE,
        "destination",
        queue,
        "a queue, or a topic with a group");
    return new Builder(queue, "main");
  }

  /**
   * Starts a copy.
   *
   * @return builder holding all of this configuration
   */
  public Builder toBuilder() {
    return new Builder(settings);
  }

  /**
   * Returns what is consumed.
   *
   * @return the destination
   */
  public Destination destination() {
    return settings.destination;
  }

  /**
   * Returns for which group.
   *
   * @return the group
   */
  public String group() {
    return settings.group;
  }

  /**
   * Returns the name of the subscription, for dead letters and health.
   *
   * @return the name; {@code <destination>/<group>} unless set
   */
  public String name() {
    String name = settings.name;
    return name == null ? destination() + "/" + group() : name;
  }

  /**
   * Returns whether a name was set.
   *
   * @return false by default
   */
  public boolean isNamed() {
    return settings.name != null;
  }

  /**
   * Returns how many handlers run at once.
   *
   * @return 1 to 1,000, default 8
   */
  public int workers() {
    return settings.workers;
  }

  /**
   * Returns how many messages may be taken from the broker and not yet settled.
   *
   * @return 1 to 100,000, default 500
   */
  public int maxInFlight() {
    return settings.maxInFlight;
  }

  /**
   * Returns how many bytes may be taken from the broker and not yet settled.
   *
   * @return 1 KiB to 16 GiB, default 64 MiB
   */
  public long maxInFlightBytes() {
    return settings.maxInFlightBytes;
  }

  /**
   * Returns how failed attempts are repeated.
   *
   * @return the schedule
   */
  public RetrySchedule retry() {
    return settings.retry;
  }

  /**
   * Returns how long one attempt may take before it is interrupted and rolled back.
   *
   * @return 10 ms to 1 h, default 60 s
   */
  public Duration handlerDeadline() {
    return settings.handlerDeadline;
  }

  /**
   * Returns how many handlers may overrun their deadline without returning before the subscription
   * is reported down.
   *
   * @return 1 to 1,000, default 2
   */
  public int maxStuckHandlers() {
    return settings.maxStuckHandlers;
  }

  /**
   * Returns where a new group begins.
   *
   * @return the position, or empty for the transport's own way: the oldest message it can still
   *     give
   */
  public Optional<StartPosition> startAt() {
    return Optional.ofNullable(settings.startAt);
  }

  /**
   * Returns whether expired messages are dropped instead of dead-lettered.
   *
   * @return default false
   */
  public boolean dropsExpired() {
    return settings.dropsExpired;
  }

  /**
   * Returns whether messages of one key may be handled in any order.
   *
   * @return false by default
   */
  public boolean isUnordered() {
    return settings.unordered;
  }

  /**
   * Returns how throws are mapped to settlements.
   *
   * @return the classifier
   */
  public FailureClassifier classifier() {
    return settings.classifier;
  }

  /**
   * Returns the gate that can pause this subscription.
   *
   * @return open unless set
   */
  public Gate gate() {
    return settings.gate;
  }

  /**
   * Returns the transactions handlers run in.
   *
   * @return the runner, or empty when the subscription is not transactional
   */
  public Optional<TransactionRunner> transactions() {
    return Optional.ofNullable(settings.transactions);
  }

  /**
   * Returns the inbox that recognises duplicates.
   *
   * @return the inbox, or empty
   */
  public Optional<Inbox> inbox() {
    return Optional.ofNullable(settings.inbox);
  }

  /**
   * Returns the bounds of batches.
   *
   * @return the bounds, or empty when messages are handled one by one
   */
  public Optional<BatchBounds> batch() {
    return Optional.ofNullable(settings.batch);
  }

  /**
   * Returns from when on dead letters of one cause pause the route.
   *
   * @return the bounds, or empty when they never do
   */
  public Optional<DeadLetterBreakerConfig> deadLetterBreaker() {
    return Optional.ofNullable(settings.deadLetterBreaker);
  }

  /**
   * Returns where keys are held behind a dead letter.
   *
   * @return the store, or empty when later messages of the key go on
   */
  public Optional<BlockedKeyStore> blockedKeys() {
    return Optional.ofNullable(settings.blockedKeys);
  }

  /**
   * Returns what the transport must be able to do.
   *
   * @return unmodifiable set
   */
  public Set<Capability> requires() {
    return Collections.unmodifiableSet(settings.requires);
  }

  @Override
  public String toString() {
    return "SubscriptionConfig{"
        + destination()
        + ", group="
        + group()
        + (isNamed() ? ", name=" + name() : "")
        + ", workers="
        + workers()
        + ", maxInFlight="
        + maxInFlight()
        + ", maxInFlightBytes="
        + maxInFlightBytes()
        + ", retry="
        + retry()
        + ", handlerDeadline="
        + handlerDeadline()
        + ", maxStuckHandlers="
        + maxStuckHandlers()
        + ", startAt="
        + settings.startAt
        + ", dropsExpired="
        + dropsExpired()
        + ", transactional="
        + transactions().isPresent()
        + ", inbox="
        + inbox().isPresent()
        + ", batch="
        + settings.batch
        + ", flood="
        + settings.deadLetterBreaker
        + ", unordered="
        + isUnordered()
        + ", parksKeys="
        + blockedKeys().isPresent()
        + ", requires="
        + requires()
        + "}";
  }

  /** Collects the settings. Not thread-safe. */
  public static final class Builder {
    private final Destination destination;
    private final String group;
    private @Nullable String name;
    private int workers = 8;
    private int maxInFlight = 500;
    private long maxInFlightBytes = 64L * 1024 * 1024;
    private RetrySchedule retry = RetrySchedule.defaults();
    private Duration handlerDeadline = Duration.ofSeconds(60);
    private int maxStuckHandlers = 2;
    private @Nullable StartPosition startAt;
    private boolean dropsExpired;
    private boolean unordered;
    private FailureClassifier classifier = FailureClassifier.defaults();
    private Gate gate = Gate.open();
    private @Nullable TransactionRunner transactions;
    private @Nullable Inbox inbox;
    private @Nullable BatchBounds batch;
    private @Nullable DeadLetterBreakerConfig deadLetterBreaker =
        DeadLetterBreakerConfig.defaults();
    private @Nullable BlockedKeyStore blockedKeys;
    private final Set<Capability> requires = EnumSet.noneOf(Capability.class);

    private Builder(Destination destination, String group) {
      this.destination = Objects.requireNonNull(destination, "destination");
      this.group =
          Checks.matches("group", group, DestinationConfig.GROUP, DestinationConfig.GROUP_RULE);
    }

    private Builder(Builder other) {
      this.destination = other.destination;
      this.group = other.group;
      this.name = other.name;
      this.workers = other.workers;
      this.maxInFlight = other.maxInFlight;
      this.maxInFlightBytes = other.maxInFlightBytes;
      this.retry = other.retry;
      this.handlerDeadline = other.handlerDeadline;
      this.maxStuckHandlers = other.maxStuckHandlers;
      this.startAt = other.startAt;
      this.dropsExpired = other.dropsExpired;
      this.unordered = other.unordered;
      this.classifier = other.classifier;
      this.gate = other.gate;
      this.transactions = other.transactions;
      this.inbox = other.inbox;
      this.batch = other.batch;
      this.deadLetterBreaker = other.deadLetterBreaker;
      this.blockedKeys = other.blockedKeys;
      this.requires.addAll(other.requires);
    }

    /**
     * Names the subscription. Its dead letters then carry this name instead of the class of the
     * handler, and a {@code Lifecycle} shows it under this name.
     *
     * @param name 1 to 128 printable ASCII characters
     * @return this
     */
    public Builder name(String name) {
      this.name = Checks.printable("name", name, 128);
      return this;
    }

    /**
     * Sets how many handlers run at once. Raise it when handlers wait for others, lower it to
     * protect what they call.
     *
     * @param workers 1 to 1,000, at most {@code maxInFlight}
     * @return this
     */
    public Builder workers(int workers) {
      this.workers = Checks.inRange("workers", workers, 1, 1_000);
      return this;
    }

    /**
     * Sets how many messages may be taken and not yet settled. At most half of them may wait for a
     * retry; beyond that the intake pauses. Redelivery after a crash is at most this many messages.
     *
     * @param maxInFlight 1 to 100,000
     * @return this
     */
    public Builder maxInFlight(int maxInFlight) {
      this.maxInFlight = Checks.inRange("maxInFlight", maxInFlight, 1, 100_000);
      return this;
    }

    /**
     * Sets how many bytes may be taken and not yet settled.
     *
     * @param maxInFlightBytes 1 KiB to 16 GiB
     * @return this
     */
    public Builder maxInFlightBytes(long maxInFlightBytes) {
      this.maxInFlightBytes =
          Checks.inRange("maxInFlightBytes", maxInFlightBytes, 1024L, 16L << 30);
      return this;
    }

    /**
     * Sets how failed attempts are repeated.
     *
     * @param retry the schedule
     * @return this
     */
    public Builder retry(RetrySchedule retry) {
      this.retry = Objects.requireNonNull(retry, "retry");
      return this;
    }

    /**
     * Sets how long one attempt may take.
     *
     * @param handlerDeadline 10 ms to 1 h
     * @return this
     */
    public Builder handlerDeadline(Duration handlerDeadline) {
      this.handlerDeadline =
          Checks.inRange(
              "handlerDeadline", handlerDeadline, Duration.ofMillis(10), Duration.ofHours(1));
      return this;
    }

    /**
     * Sets how many handlers may overrun their deadline without returning before the subscription
     * is down.
     *
     * @param maxStuckHandlers 1 to 1,000
     * @return this
     */
    public Builder maxStuckHandlers(int maxStuckHandlers) {
      this.maxStuckHandlers = Checks.inRange("maxStuckHandlers", maxStuckHandlers, 1, 1_000);
      return this;
    }

    /**
     * Sets where a new group begins. {@code EARLIEST} on a topic needs {@link
     * Capability#START_EARLIEST}.
     *
     * @param startAt the position
     * @return this
     */
    public Builder startAt(StartPosition startAt) {
      this.startAt = Objects.requireNonNull(startAt, "startAt");
      return this;
    }

    /**
     * Drops expired messages instead of dead-lettering them.
     *
     * @return this
     */
    public Builder dropExpired() {
      this.dropsExpired = true;
      return this;
    }

    /**
     * Sets how throws are mapped to settlements.
     *
     * @param classifier the classifier
     * @return this
     */
    public Builder classifier(FailureClassifier classifier) {
      this.classifier = Objects.requireNonNull(classifier, "classifier");
      return this;
    }

    /**
     * Attaches a gate, for example a circuit breaker, that can pause this subscription.
     *
     * @param gate the gate
     * @return this
     */
    public Builder gate(Gate gate) {
      this.gate = Objects.requireNonNull(gate, "gate");
      return this;
    }

    /**
     * Runs each handler in a transaction, without duplicate check.
     *
     * @param transactions where handlers' transactions come from
     * @return this
     */
    public Builder transactional(TransactionRunner transactions) {
      this.transactions = Objects.requireNonNull(transactions, "transactions");
      return this;
    }

    /**
     * Runs each handler in a transaction that first enters the message into an inbox: a message
     * whose handling has committed once is never handled again within the inbox's retention.
     *
     * @param transactions where handlers' transactions come from
     * @param inbox on the same database
     * @return this
     */
    public Builder transactional(TransactionRunner transactions, Inbox inbox) {
      this.transactions = Objects.requireNonNull(transactions, "transactions");
      this.inbox = Objects.requireNonNull(inbox, "inbox");
      return this;
    }

    /**
     * Handles messages in batches. The subscription then needs a {@link BatchHandler}.
     *
     * @param batch when a batch is full
     * @return this
     */
    public Builder batch(BatchBounds batch) {
      this.batch = Objects.requireNonNull(batch, "batch");
      return this;
    }

    /**
     * Sets from when on failures of one cause over many keys pause the subscription instead of
     * filling the dead letters: it then tries one message at a time until one gets through, and
     * burns no attempts meanwhile. A message that fails three of those tries alone is dead-lettered
     * all the same. Messages that can't be decoded do not count.
     *
     * @param flood the bounds
     * @return this
     */
    public Builder deadLetterBreaker(DeadLetterBreakerConfig flood) {
      this.deadLetterBreaker = Objects.requireNonNull(flood, "flood");
      return this;
    }

    /**
     * Never pauses because of many dead letters.
     *
     * @return this
     */
    public Builder withoutDeadLetterBreaker() {
      this.deadLetterBreaker = null;
      return this;
    }

    /**
     * Parks the key of a message that goes to the dead letters: later messages of the key follow it
     * there, in order and without being handled, until the key is released (see {@link
     * BlockedKeys}). Without this setting they go on. Costs a look into the store for each keyed
     * message. Expired messages park nothing.
     *
     * @param blockedKeys durable, common to all members of the group
     * @return this
     */
    public Builder blockKeyOnDeadLetter(BlockedKeyStore blockedKeys) {
      this.blockedKeys = Objects.requireNonNull(blockedKeys, "blockedKeys");
      return this;
    }

    /**
     * Handles messages in any order, also those of one key, and several of a key at once. A message
     * that has failed its attempts at once may then wait for a delayed one outside of this process,
     * where the transport can keep it (on Kafka in a topic per delay): such waits take nothing of
     * the in-flight bound. The message comes again as another delivery whose {@link
     * Delivery#attempt()} goes on counting; a crash between keeping it and settling the first one
     * doubles it.
     *
     * @return this
     */
    public Builder unordered() {
      this.unordered = true;
      return this;
    }

    /**
     * Demands a capability; a transport without it refuses the subscription.
     *
     * @param capability what must be possible
     * @return this
     */
    public Builder require(Capability capability) {
      requires.add(Objects.requireNonNull(capability, "capability"));
      return this;
    }

    /**
     * Builds the configuration.
     *
     * @return immutable configuration
     * @throws IllegalArgumentException if {@code workers} or the batch exceed {@code maxInFlight},
     *     the inbox lies on another database than the transactions or keeps its entries no longer
     *     than the delays of the retries, or keys are parked although there is no order
     */
    public SubscriptionConfig build() {
      Checks.check(
          workers <= maxInFlight, "workers", workers, "at most maxInFlight, " + maxInFlight);
      if (batch != null) {
        Checks.check(
            batch.maxItems() <= maxInFlight,
            "batch.maxItems",
            batch.maxItems(),
            "at most maxInFlight, " + maxInFlight);
      }
      Checks.check(
          !unordered || blockedKeys == null, "unordered", true, "false with blockKeyOnDeadLetter");
      if (inbox != null && transactions != null) {
        Checks.check(
            inbox.database().equals(transactions.database()),
            "inbox database",
            inbox.database(),
            "that of the transactions, " + transactions.database());
        Duration delays = retry.delays().stream().reduce(Duration.ZERO, Duration::plus);
        Checks.check(
            inbox.retention().compareTo(delays) > 0,
            "inbox retention",
            inbox.retention(),
            "above the delays of retry, " + delays);
      }
      return new SubscriptionConfig(new Builder(this));
    }
  }
}
