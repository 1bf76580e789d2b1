package io.commslib.examples.shop.cli;

import io.commslib.examples.shop.check.ShopReader;
import io.commslib.testkit.servers.TestServer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Kills the broker, the database and every service several times, each time while messages are
 * unfinished. Order and times come from a seed. The feed advances by a slice per kill, so that
 * there is unfinished work until the last one.
 */
final class KillingChaos implements Chaos {

  private static final int KILLS_EACH = 3;
  private static final int MIN_UNFINISHED = 20;
  private static final int SLICE = 15;
  private static final long POLL_NANOS = 3_000_000L;

  /** A quorum queue that is killed sooner after its declaration can lose confirmed messages. */
  private static final long SETTLE_NANOS = 2_500_000_000L;

  private static final long WORK_LIMIT_NANOS = 5_000_000_000L;

  private final Map<String, Runnable> targets = new LinkedHashMap<>();
  private final Map<String, Integer> kills = new LinkedHashMap<>();
  private final @Nullable TestServer broker;
  private final @Nullable TestServer database;
  private final long seed;
  private long allowed;
  private volatile boolean over;

  KillingChaos(ShopOptions options, @Nullable TestServer broker, @Nullable TestServer database) {
    this.broker = broker;
    this.database = database;
    this.seed = options.seed().orElseGet(() -> System.nanoTime() & 0xffffff);
  }

  @Override
  public void begin(Feeder feeder, ShopRun run, ServiceHost services, Progress progress) {
    addServer("broker", broker);
    addServer("database", database);
    ShopOptions.SERVICES.forEach(service -> targets.put(service, () -> services.crash(service)));
    targets.keySet().forEach(target -> kills.put(target, 0));
    progress.line(
        "chaos with --seed " + seed + ": " + KILLS_EACH + " kills each of " + targets.keySet());
    feeder.allow(0);
    Thread thread = new Thread(() -> disturb(feeder, run, progress), "shop-chaos");
    thread.setDaemon(true);
    thread.start();
  }

  private void addServer(String name, @Nullable TestServer server) {
    if (server != null) {
      targets.put(
          name,
          () -> {
            server.kill();
            server.restart();
          });
    }
  }

  private void disturb(Feeder feeder, ShopRun run, Progress progress) {
    try {
      Random random = new Random(seed);
      List<String> plan = new ArrayList<>();
      for (int i = 0; i < KILLS_EACH; i++) {
        plan.addAll(targets.keySet());
      }
      Collections.shuffle(plan, random);
      pause(SETTLE_NANOS);
      long start = System.nanoTime();
      for (int i = 0; i < plan.size(); i++) {
        long unfinished = awaitWork(feeder, run, random.nextInt(100) * 1_000_000L);
        if (unfinished < MIN_UNFINISHED) {
          continue;
        }
        String target = plan.get(i);
        progress.line(
            String.format(
                Locale.ROOT,
                "KILL %-9s at %.1f s with %d messages unfinished",
                target,
                (System.nanoTime() - start) / 1e9,
                unfinished));
        targets.get(target).run();
        kills.merge(target, 1, Integer::sum);
      }
    } finally {
      feeder.allow(Long.MAX_VALUE);
      over = true;
    }
  }

  /** Feeds until enough messages are unfinished, also after a delay; returns their number. */
  private long awaitWork(Feeder feeder, ShopRun run, long delayNanos) {
    ShopReader.Status none = new ShopReader.Status(0, 0, 0);
    long delay = delayNanos;
    long end = System.nanoTime() + WORK_LIMIT_NANOS;
    while (true) {
      long unfinished = run.statusOr(none).unfinished();
      if (unfinished >= MIN_UNFINISHED && delay == 0) {
        return unfinished;
      }
      if (unfinished >= MIN_UNFINISHED) {
        pause(delay);
        delay = 0;
      } else if (feeder.fed() >= allowed && allowed < feeder.total()) {
        allowed = Math.min(feeder.total(), allowed + SLICE);
        feeder.allow(allowed);
      } else if (System.nanoTime() > end) {
        return unfinished;
      }
      pause(POLL_NANOS);
    }
  }

  private static void pause(long nanos) {
    long end = System.nanoTime() + nanos;
    for (long left = nanos; left > 0; left = end - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  @Override
  public boolean isOver() {
    return over;
  }

  @Override
  public List<String> shortfalls() {
    List<String> missing = new ArrayList<>();
    kills.forEach(
        (target, count) -> {
          if (count < KILLS_EACH) {
            missing.add(
                "chaos: "
                    + target
                    + " killed "
                    + count
                    + " times with "
                    + MIN_UNFINISHED
                    + " messages unfinished (expected: "
                    + KILLS_EACH
                    + "; feed longer with --repeat)");
          }
        });
    return missing;
  }
}
