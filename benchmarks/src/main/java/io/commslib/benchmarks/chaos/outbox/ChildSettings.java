package io.commslib.benchmarks.chaos.outbox;

import io.commslib.core.resilience.Backoff;
import io.commslib.outbox.OutboxConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The settings of a child process.
 *
 * @param roles some of {@code write}, {@code relay} and {@code redrive}, joined by {@code +}
 * @param writer the name of its writer
 * @param fence whether its transport fences keys, which keeps the order of a key when a publish
 *     fails
 * @param attempts the number of refusals after which a message is parked
 * @param poolSize the size of its connection pool
 * @param clockShift the error of its clock
 * @param heapMegabytes the size of its heap
 * @param crash the crash point {@code NAME@COUNT}, or empty
 * @param saboteur its deliberate fault
 * @param throwErrors whether its transport throws errors, see {@link
 *     io.commslib.benchmarks.chaos.ErrorPlan}
 */
record ChildSettings(
    String roles,
    String writer,
    boolean fence,
    int attempts,
    int poolSize,
    Duration clockShift,
    int heapMegabytes,
    String crash,
    OutboxSaboteur saboteur,
    boolean throwErrors) {

  /** The shortest lease time; the shards of a killed relay are free after it. */
  static final Duration LEASE = Duration.ofSeconds(5);

  static ChildSettings relay() {
    return new ChildSettings(
        "relay", "none", true, 2, 5, Duration.ZERO, 96, "", OutboxSaboteur.NONE, false);
  }

  static ChildSettings roles(String roles, String writer) {
    return new ChildSettings(
        roles, writer, true, 2, 8, Duration.ZERO, 96, "", OutboxSaboteur.NONE, false);
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
        poolSize,
        clockShift,
        heapMegabytes,
        point + "@" + count,
        saboteur,
        throwErrors);
  }

  ChildSettings fence(boolean newFence) {
    return new ChildSettings(
        roles,
        writer,
        newFence,
        attempts,
        poolSize,
        clockShift,
        heapMegabytes,
        crash,
        saboteur,
        throwErrors);
  }

  ChildSettings attempts(int newAttempts) {
    return new ChildSettings(
        roles,
        writer,
        fence,
        newAttempts,
        poolSize,
        clockShift,
        heapMegabytes,
        crash,
        saboteur,
        throwErrors);
  }

  ChildSettings clockShift(Duration newShift) {
    return new ChildSettings(
        roles,
        writer,
        fence,
        attempts,
        poolSize,
        newShift,
        heapMegabytes,
        crash,
        saboteur,
        throwErrors);
  }

  ChildSettings heap(int megabytes) {
    return new ChildSettings(
        roles,
        writer,
        fence,
        attempts,
        poolSize,
        clockShift,
        megabytes,
        crash,
        saboteur,
        throwErrors);
  }

  ChildSettings poolSize(int connections) {
    return new ChildSettings(
        roles,
        writer,
        fence,
        attempts,
        connections,
        clockShift,
        heapMegabytes,
        crash,
        saboteur,
        throwErrors);
  }

  ChildSettings saboteur(OutboxSaboteur newSaboteur) {
    return new ChildSettings(
        roles,
        writer,
        fence,
        attempts,
        poolSize,
        clockShift,
        heapMegabytes,
        crash,
        newSaboteur,
        throwErrors);
  }

  ChildSettings withErrors() {
    return new ChildSettings(
        roles, writer, fence, attempts, poolSize, clockShift, heapMegabytes, crash, saboteur, true);
  }

  List<String> arguments() {
    return new ArrayList<>(
        List.of(
            "roles=" + roles,
            "writer=" + writer,
            "fence=" + fence,
            "attempts=" + attempts,
            "pool=" + poolSize,
            "shift=" + clockShift,
            "saboteur=" + saboteur,
            "errors=" + throwErrors));
  }
}
