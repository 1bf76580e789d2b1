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

/**
 * Settings of one subscription: its source, its group, and how messages are handled, retried and
 * bounded. Immutable; {@link #toBuilder()} makes a changed copy.
 *
 * <pre>{@code
 * SubscriptionConfig config =
 *     SubscriptionConfig.builder(ORDERS)
 *         .workers(16)
 *         .maxInFlight(500)
 *         .retry(
 *             RetrySchedule.builder()
 *                 .delays(Duration.ofSeconds(10), Duration.ofMinutes(5))
 *                 .build())
 *         .handlerDeadline(Duration.ofSeconds(20))
 *         .build();
 * }</pre>
 */
public final class SubscriptionConfig {

  private final Builder settings;

  private SubscriptionConfig(Builder builder) {
    this.settings = builder;
  }

  /**
   * Starts a subscription to a topic for a group. Every group gets each message, and one member of
   * the group handles it.
   *
   * @param destination topic or queue to consume
   * @param group 1 to 60 characters of {@code A-Za-z0-9_-}
   * @return builder with the defaults
   */
  public static Builder builder(Destination destination, String group) {
    return new Builder(destination, group);
  }

  /**
   * Starts a subscription to a queue, whose only group is {@code main}.
   *
   * @param queue queue to consume
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

  /** {@return a builder with all settings of this configuration} */
  public Builder toBuilder() {
    return new Builder(settings);
  }

  /** {@return the destination that is consumed} */
  public Destination destination() {
    return settings.destination;
  }

  /** {@return the group} */
  public String group() {
    return settings.group;
  }

  /**
   * {@return the name of the subscription, for dead letters and health; {@code
   * <destination>/<group>} unless set}
   */
  public String name() {
    String name = settings.name;
    return name == null ? destination() + "/" + group() : name;
  }

  /** {@return whether a name was set; false by default} */
  public boolean isNamed() {
    return settings.name != null;
  }

  /** {@return the maximum number of handlers that run at the same time} */
  public int workers() {
    return settings.workers;
  }

  /** {@return the maximum number of unsettled messages} */
  public int maxInFlight() {
    return settings.maxInFlight;
  }

  /** {@return the maximum number of bytes of unsettled messages} */
  public long maxInFlightBytes() {
    return settings.maxInFlightBytes;
  }

  /** {@return the schedule by which failed attempts are repeated} */
  public RetrySchedule retry() {
    return settings.retry;
  }

  /** {@return the time after which one attempt is interrupted and rolled back} */
  public Duration handlerDeadline() {
    return settings.handlerDeadline;
  }

  /**
   * {@return the maximum number of handlers past their deadline that have not returned; above it
   * the subscription is reported down}
   */
  public int maxStuckHandlers() {
    return settings.maxStuckHandlers;
  }

  /**
   * {@return the position at which a new group begins, or empty for the transport's default: the
   * oldest message that it can still deliver}
   */
  public Optional<StartPosition> startAt() {
    return Optional.ofNullable(settings.startAt);
  }

  /** {@return whether expired messages are dropped instead of dead-lettered; false by default} */
  public boolean dropsExpired() {
    return settings.dropsExpired;
  }

  /** {@return whether messages of one key may be handled in any order; false by default} */
  public boolean isUnordered() {
    return settings.unordered;
  }

  /** {@return the classifier that maps exceptions of the handler to settlements} */
  public FailureClassifier classifier() {
    return settings.classifier;
  }

  /** {@return the gate that can pause this subscription; always open unless set} */
  public Gate gate() {
    return settings.gate;
  }

  /** {@return the runner of the handlers' transactions, or empty if not transactional} */
  public Optional<TransactionRunner> transactions() {
    return Optional.ofNullable(settings.transactions);
  }

  /** {@return the inbox that recognises duplicates, or empty} */
  public Optional<Inbox> inbox() {
    return Optional.ofNullable(settings.inbox);
  }

  /** {@return the bounds of batches, or empty if messages are handled one by one} */
  public Optional<BatchBounds> batch() {
    return Optional.ofNullable(settings.batch);
  }

  /** {@return the thresholds of the dead-letter breaker, or empty if there is none} */
  public Optional<DeadLetterBreakerConfig> deadLetterBreaker() {
    return Optional.ofNullable(settings.deadLetterBreaker);
  }

  /**
   * {@return the number of unreadable records that are dead-lettered before any record could be
   * read; 0 for no limit}
   */
  public int maxUnreadable() {
    return settings.maxUnreadable;
  }

  /** {@return the store of blocked keys, or empty if a dead letter does not block its key} */
  public Optional<BlockedKeyStore> blockedKeys() {
    return Optional.ofNullable(settings.blockedKeys);
  }

  /** {@return the capabilities that the transport must have; unmodifiable} */
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
        + ", deadLetterBreaker="
        + settings.deadLetterBreaker
        + ", maxUnreadable="
        + maxUnreadable()
        + ", unordered="
        + isUnordered()
        + ", blocksKeys="
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
    private int maxUnreadable = 20;
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
      this.maxUnreadable = other.maxUnreadable;
      this.blockedKeys = other.blockedKeys;
      this.requires.addAll(other.requires);
    }

    /**
     * Names the subscription. Its dead letters then carry this name instead of the class of the
     * handler, and a {@code Lifecycle} shows it under this name.
     *
     * @param name 1 to 128 printable ASCII characters; default {@code <destination>/<group>}
     * @return this
     */
    public Builder name(String name) {
      this.name = Checks.printable("name", name, 128);
      return this;
    }

    /**
     * Sets the maximum number of handlers that run at the same time. Raise it if handlers wait for
     * other services, lower it to protect what they call.
     *
     * @param workers 1 to 1,000, at most {@code maxInFlight}; default 8
     * @return this
     */
    public Builder workers(int workers) {
      this.workers = Checks.inRange("workers", workers, 1, 1_000);
      return this;
    }

    /**
     * Sets the maximum number of unsettled messages. At most half of them may wait for a retry;
     * above that the intake pauses. A crash causes at most this many redeliveries.
     *
     * @param maxInFlight 1 to 100,000; default 500
     * @return this
     */
    public Builder maxInFlight(int maxInFlight) {
      this.maxInFlight = Checks.inRange("maxInFlight", maxInFlight, 1, 100_000);
      return this;
    }

    /**
     * Sets the maximum number of bytes of unsettled messages. Lower it to save memory when messages
     * are large.
     *
     * @param maxInFlightBytes 1 KiB to 16 GiB; default 64 MiB
     * @return this
     */
    public Builder maxInFlightBytes(long maxInFlightBytes) {
      this.maxInFlightBytes =
          Checks.inRange("maxInFlightBytes", maxInFlightBytes, 1024L, 16L << 30);
      return this;
    }

    /**
     * Sets the schedule by which failed attempts are repeated.
     *
     * @param retry the schedule; default {@link RetrySchedule#defaults()}
     * @return this
     */
    public Builder retry(RetrySchedule retry) {
      this.retry = Objects.requireNonNull(retry, "retry");
      return this;
    }

    /**
     * Sets the time after which an attempt is interrupted and its transaction can only roll back.
     * Raise it if handlers legitimately take longer.
     *
     * @param handlerDeadline 10 ms to 1 h; default 60 s
     * @return this
     */
    public Builder handlerDeadline(Duration handlerDeadline) {
      this.handlerDeadline =
          Checks.inRange(
              "handlerDeadline", handlerDeadline, Duration.ofMillis(10), Duration.ofHours(1));
      return this;
    }

    /**
     * Sets the maximum number of handlers past their deadline that have not returned. Above it the
     * subscription is reported down.
     *
     * @param maxStuckHandlers 1 to 1,000; default 2
     * @return this
     */
    public Builder maxStuckHandlers(int maxStuckHandlers) {
      this.maxStuckHandlers = Checks.inRange("maxStuckHandlers", maxStuckHandlers, 1, 1_000);
      return this;
    }

    /**
     * Sets the position at which a new group begins. {@code EARLIEST} on a topic requires {@link
     * Capability#START_EARLIEST}.
     *
     * @param startAt the position; by default the oldest message that the transport can still
     *     deliver
     * @return this
     */
    public Builder startAt(StartPosition startAt) {
      this.startAt = Objects.requireNonNull(startAt, "startAt");
      return this;
    }

    /**
     * Drops expired messages. By default they are dead-lettered.
     *
     * @return this
     */
    public Builder dropExpired() {
      this.dropsExpired = true;
      return this;
    }

    /**
     * Sets the classifier that maps exceptions of the handler to settlements.
     *
     * @param classifier the classifier; default {@link FailureClassifier#defaults()}
     * @return this
     */
    public Builder classifier(FailureClassifier classifier) {
      this.classifier = Objects.requireNonNull(classifier, "classifier");
      return this;
    }

    /**
     * Attaches a gate that can pause this subscription, for example a circuit breaker.
     *
     * @param gate the gate; default {@link Gate#open()}
     * @return this
     */
    public Builder gate(Gate gate) {
      this.gate = Objects.requireNonNull(gate, "gate");
      return this;
    }

    /**
     * Runs each handler in a transaction, without duplicate check. By default handlers run without
     * a transaction.
     *
     * @param transactions runner of the handlers' transactions
     * @return this
     */
    public Builder transactional(TransactionRunner transactions) {
      this.transactions = Objects.requireNonNull(transactions, "transactions");
      return this;
    }

    /**
     * Runs each handler in a transaction that first enters the message into an inbox. A message
     * whose handling has committed once is not handled again within the inbox's retention. By
     * default there is neither transaction nor inbox.
     *
     * @param transactions runner of the handlers' transactions
     * @param inbox inbox on the same database
     * @return this
     */
    public Builder transactional(TransactionRunner transactions, Inbox inbox) {
      this.transactions = Objects.requireNonNull(transactions, "transactions");
      this.inbox = Objects.requireNonNull(inbox, "inbox");
      return this;
    }

    /**
     * Handles messages in batches; the subscription then requires a {@link BatchHandler}. By
     * default messages are handled one by one.
     *
     * @param batch bounds at which a batch is full; its {@code maxItems} is at most {@code
     *     maxInFlight}
     * @return this
     */
    public Builder batch(BatchBounds batch) {
      this.batch = Objects.requireNonNull(batch, "batch");
      return this;
    }

    /**
     * Sets the thresholds of the dead-letter breaker. When failures of one cause over many keys
     * reach them, the subscription pauses instead of filling the dead letters. It then tries one
     * message at a time until one succeeds, and consumes no attempts meanwhile. A message that
     * fails three of those tries alone is dead-lettered nevertheless. Messages that can't be
     * decoded do not count.
     *
     * @param deadLetterBreaker the thresholds; default {@link DeadLetterBreakerConfig#defaults()}
     * @return this
     */
    public Builder deadLetterBreaker(DeadLetterBreakerConfig deadLetterBreaker) {
      this.deadLetterBreaker = Objects.requireNonNull(deadLetterBreaker, "deadLetterBreaker");
      return this;
    }

    /**
     * Switches the dead-letter breaker off: any number of dead letters does not pause the
     * subscription. By default the breaker is on.
     *
     * @return this
     */
    public Builder withoutDeadLetterBreaker() {
      this.deadLetterBreaker = null;
      return this;
    }

    /**
     * Sets the number of unreadable records that are dead-lettered before the subscription could
     * read any. The next one stays at the broker, the subscription pauses and is reported degraded.
     * {@link Subscription#resume()}, or a wait that grows from 1 min to 1 h, lets one more record
     * go. The first record that can be read ends this for the life of the subscription, so that
     * unreadable records can't stop one that works. A record counts as read once its envelope could
     * be read, whatever its handler makes of it.
     *
     * @param maxUnreadable 0 to 100,000; default 20; 0 switches this off, and every unreadable
     *     record is dead-lettered at once
     * @return this
     */
    public Builder maxUnreadable(int maxUnreadable) {
      this.maxUnreadable = Checks.inRange("maxUnreadable", maxUnreadable, 0, 100_000);
      return this;
    }

    /**
     * Blocks the key of a message that goes to the dead letters. Later messages of the key follow
     * it there, in order and without being handled, until the key is released (see {@link
     * BlockedKeys}). Expired messages block nothing. The store is read for each keyed message. By
     * default later messages of the key are handled.
     *
     * @param blockedKeys durable store, shared by all members of the group
     * @return this
     */
    public Builder blockKeyOnDeadLetter(BlockedKeyStore blockedKeys) {
      this.blockedKeys = Objects.requireNonNull(blockedKeys, "blockedKeys");
      return this;
    }

    /**
     * Handles messages in any order, including those of one key, and several of a key at the same
     * time. By default messages of a key are handled one at a time and in order.
     *
     * <p>Where the transport supports deferred retries (Kafka, with a topic per delay), a message
     * that has failed its immediate attempts waits outside this process for a delayed one. Such a
     * message does not count towards the in-flight bounds. It is redelivered as another delivery
     * whose {@link Delivery#attempt()} continues the count. A crash between deferring it and
     * settling the first delivery duplicates it.
     *
     * @return this
     */
    public Builder unordered() {
      this.unordered = true;
      return this;
    }

    /**
     * Requires a capability: a transport without it refuses the subscription. By default none is
     * required.
     *
     * @param capability the capability
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
     *     if the inbox is on another database than the transactions or its retention does not
     *     exceed the delays of the retries, or if keys are blocked although there is no order
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
