package io.commslib.outbox;

import java.time.Duration;
import java.util.Map;
import java.util.Set;

/**
 * The state of the outbox at one moment, measured at a bounded cost by {@link OutboxRelay#measure}.
 * Immutable.
 */
public final class OutboxHealth {

  private final Map<String, Duration> oldestAge;
  private final long backlog;
  private final int parked;
  private final int outsideShards;
  private final int unownedShards;
  private final int ownedShards;
  private final Duration lag;
  private final long leaseLosses;
  private final Set<String> stoppedDestinations;
  private final long deadRows;
  private final Duration oldestSnapshot;

  private OutboxHealth(Builder measured) {
    this.oldestAge = Map.copyOf(measured.oldestAge);
    this.backlog = measured.backlog;
    this.parked = measured.parked;
    this.outsideShards = measured.outsideShards;
    this.unownedShards = measured.unownedShards;
    this.ownedShards = measured.ownedShards;
    this.lag = measured.lag;
    this.leaseLosses = measured.leaseLosses;
    this.stoppedDestinations = Set.copyOf(measured.stoppedDestinations);
    this.deadRows = measured.deadRows;
    this.oldestSnapshot = measured.oldestSnapshot;
  }

  /**
   * Returns the age of the oldest unpublished message for each destination with unpublished
   * messages, found among the 200 oldest messages of each shard.
   *
   * @return the ages by the text form of the destination; unmodifiable
   */
  public Map<String, Duration> oldestAge() {
    return oldestAge;
  }

  /**
   * Returns the number of unpublished messages.
   *
   * @return exact below 10,000; beyond that the database's estimate on PostgreSQL, and 10,000 on
   *     other databases
   */
  public long backlog() {
    return backlog;
  }

  /** {@return the number of parked messages, 10,000 at most} */
  public int parked() {
    return parked;
  }

  /**
   * Returns the number of messages in shards that no relay reads. A change of the number of shards
   * or a foreign writer may leave such messages.
   *
   * @return at most 10,000 of each table
   */
  public int outsideShards() {
    return outsideShards;
  }

  /**
   * Returns the number of shards that no relay owns. If it is positive for longer than a lease, no
   * relay runs or all relays have failed.
   *
   * @return 0 to the number of shards
   */
  public int unownedShards() {
    return unownedShards;
  }

  /** {@return the number of shards that this relay owns} */
  public int ownedShards() {
    return ownedShards;
  }

  /**
   * Returns the time from the insert of a message to its confirmation as the relay noted it. It is
   * that of one message of this relay, from the last seconds in which the relay published.
   *
   * @return the time; zero before the first message
   */
  public Duration lag() {
    return lag;
  }

  /** {@return the number of shards taken from this relay since its start} */
  public long leaseLosses() {
    return leaseLosses;
  }

  /**
   * {@return the destinations, in text form, that wait for {@link OutboxAdmin#resume};
   * unmodifiable}
   */
  public Set<String> stoppedDestinations() {
    return stoppedDestinations;
  }

  /**
   * Returns the number of rows of the message table that are deleted and not yet vacuumed, by the
   * database's statistics.
   *
   * @return the number on PostgreSQL, else 0
   */
  public long deadRows() {
    return deadRows;
  }

  /**
   * Returns the age of the oldest transaction that keeps dead rows from being vacuumed, as far as
   * the database user may see it.
   *
   * @return the age on PostgreSQL, else zero
   */
  public Duration oldestSnapshot() {
    return oldestSnapshot;
  }

  @Override
  public String toString() {
    return "OutboxHealth{oldestAge="
        + oldestAge
        + ", backlog="
        + backlog
        + ", parked="
        + parked
        + ", outsideShards="
        + outsideShards
        + ", unownedShards="
        + unownedShards
        + ", ownedShards="
        + ownedShards
        + ", lag="
        + lag
        + ", leaseLosses="
        + leaseLosses
        + ", stoppedDestinations="
        + stoppedDestinations
        + ", deadRows="
        + deadRows
        + ", oldestSnapshot="
        + oldestSnapshot
        + "}";
  }

  /** Collects the measurements. Every value has the empty one as its default. Not thread-safe. */
  static final class Builder {
    private Map<String, Duration> oldestAge = Map.of();
    private long backlog;
    private int parked;
    private int outsideShards;
    private int unownedShards;
    private int ownedShards;
    private Duration lag = Duration.ZERO;
    private long leaseLosses;
    private Set<String> stoppedDestinations = Set.of();
    private long deadRows;
    private Duration oldestSnapshot = Duration.ZERO;

    Builder messages(Map<String, Duration> ages, long unpublished, int inParked, int outside) {
      this.oldestAge = ages;
      this.backlog = unpublished;
      this.parked = inParked;
      this.outsideShards = outside;
      return this;
    }

    Builder shards(int unowned, int owned, long losses) {
      this.unownedShards = unowned;
      this.ownedShards = owned;
      this.leaseLosses = losses;
      return this;
    }

    Builder lag(Duration latest) {
      this.lag = latest;
      return this;
    }

    Builder stoppedDestinations(Set<String> stopped) {
      this.stoppedDestinations = stopped;
      return this;
    }

    Builder statistics(TableStatistics statistics) {
      this.deadRows = statistics.dead();
      this.oldestSnapshot = statistics.oldestSnapshot();
      return this;
    }

    OutboxHealth build() {
      return new OutboxHealth(this);
    }
  }
}
