package io.commslib.outbox;

import java.time.Duration;
import java.util.Map;
import java.util.Set;

/**
 * How the outbox does, measured at one moment at a bounded cost. Immutable.
 *
 * @param oldestAge age of the oldest unpublished message by text form of its destination; found
 *     among the 200 oldest of each shard
 * @param backlog unpublished messages: exact below 10,000, beyond that the database's estimate on
 *     PostgreSQL and 10,000 elsewhere
 * @param parked parked messages, 10,000 at most
 * @param outsideShards messages with a shard that no relay reads, as a change of the number of
 *     shards or a foreign writer may leave them, 10,000 of each table at most
 * @param unownedShards shards no relay owns; more than none for longer than a lease means that no
 *     relay runs or all have failed
 * @param ownedShards shards of this relay
 * @param lag from the insert to the noted confirmation, of one message of this relay within the
 *     last seconds in which it published; zero before
 * @param leaseLosses shards taken from this relay since its start
 * @param stoppedDestinations destinations that wait for {@link OutboxAdmin#resume}
 * @param deadRows rows of the message table that are deleted and not yet vacuumed, by the
 *     database's statistics; PostgreSQL only, else 0
 * @param oldestSnapshot age of the oldest transaction that keeps dead rows from being vacuumed, as
 *     far as the user may see it; PostgreSQL only, else zero
 */
public record OutboxHealth(
    Map<String, Duration> oldestAge,
    long backlog,
    int parked,
    int outsideShards,
    int unownedShards,
    int ownedShards,
    Duration lag,
    long leaseLosses,
    Set<String> stoppedDestinations,
    long deadRows,
    Duration oldestSnapshot) {

  /**
   * Creates a measurement.
   *
   * @param oldestAge by destination
   * @param backlog unpublished messages
   * @param parked parked messages
   * @param outsideShards messages with a shard that no relay reads
   * @param unownedShards shards no relay owns
   * @param ownedShards shards of this relay
   * @param lag from insert to noted confirmation
   * @param leaseLosses shards taken from this relay
   * @param stoppedDestinations destinations that wait
   * @param deadRows not yet vacuumed
   * @param oldestSnapshot age
   */
  public OutboxHealth {
    oldestAge = Map.copyOf(oldestAge);
    stoppedDestinations = Set.copyOf(stoppedDestinations);
  }
}
