package io.commslib.benchmarks.chaos.outbox;

import io.commslib.core.resilience.Backoff;
import io.commslib.outbox.OutboxConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * How a child works.
 *
 * @param roles of {@code write}, {@code relay} and {@code replay}, with {@code +} between
 * @param writer name of its writer
 * @param fence whether its transport keeps the order of a key when a publish fails
 * @param attempts after how many refusals a message is parked
 * @param pool how many connections it may have
 * @param shift how wrong its clock is
 * @param heapMegabytes its heap
 * @param crash {@code NAME@COUNT} of the point it dies at, or empty
 * @param saboteur what is wrong with it
 * @param errors whether its transport throws errors, see {@link
 *     io.commslib.benchmarks.chaos.ErrorPlan}
 */
record ChildSettings(
    String roles,
    String writer,
    boolean fence,
    int attempts,
    int pool,
    Duration shift,
    int heapMegabytes,
    String crash,
    Saboteur saboteur,
    boolean errors) {

  /** The shortest there is: a killed relay's shards are free after it. */
  static final Duration LEASE = Duration.ofSeconds(5);

  static ChildSettings relay() {
    return new ChildSettings(
        "relay", "none", true, 2, 5, Duration.ZERO, 96, "", Saboteur.NONE, false);
  }

  static ChildSettings roles(String roles, String writer) {
    return new ChildSettings(
        roles, writer, true, 2, 8, Duration.ZERO, 96, "", Saboteur.NONE, false);
  }

  static OutboxConfig config(int attempts) {
    return OutboxConfig.builder()
        .shards(8)
        .leaseTime(LEASE)
        .pollInterval(Duration.ofMillis(50))
        .backoff(Backoff.exponential(Duration.ofMillis(20), Duration.ofMillis(200)))
        .attempts(attempts)
        .build();
  }

  ChildSettings crash(String point, int count) {
    return new ChildSettings(
        roles,
        writer,
        fence,
        attempts,
        pool,
        shift,
        heapMegabytes,
        point + "@" + count,
        saboteur,
        errors);
  }

  ChildSettings fence(boolean newFence) {
    return new ChildSettings(
        roles, writer, newFence, attempts, pool, shift, heapMegabytes, crash, saboteur, errors);
  }

  ChildSettings attempts(int newAttempts) {
    return new ChildSettings(
        roles, writer, fence, newAttempts, pool, shift, heapMegabytes, crash, saboteur, errors);
  }

  ChildSettings shift(Duration newShift) {
    return new ChildSettings(
        roles, writer, fence, attempts, pool, newShift, heapMegabytes, crash, saboteur, errors);
  }

  ChildSettings heap(int megabytes) {
    return new ChildSettings(
        roles, writer, fence, attempts, pool, shift, megabytes, crash, saboteur, errors);
  }

  ChildSettings pool(int connections) {
    return new ChildSettings(
        roles, writer, fence, attempts, connections, shift, heapMegabytes, crash, saboteur, errors);
  }

  ChildSettings saboteur(Saboteur newSaboteur) {
    return new ChildSettings(
        roles, writer, fence, attempts, pool, shift, heapMegabytes, crash, newSaboteur, errors);
  }

  ChildSettings withErrors() {
    return new ChildSettings(
        roles, writer, fence, attempts, pool, shift, heapMegabytes, crash, saboteur, true);
  }

  List<String> arguments() {
    return new ArrayList<>(
        List.of(
            "roles=" + roles,
            "writer=" + writer,
            "fence=" + fence,
            "attempts=" + attempts,
            "pool=" + pool,
            "shift=" + shift,
            "saboteur=" + saboteur,
            "errors=" + errors));
  }
}
