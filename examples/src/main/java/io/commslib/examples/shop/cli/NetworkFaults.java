package io.commslib.examples.shop.cli;

import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Refusal;
import io.commslib.core.observe.CommsObserver;
import io.commslib.examples.shop.order.OrderService;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.commslib.testkit.faults.TcpFaultProxy.Direction;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Breaks the connections between the storefront and the order service while invoices are posted.
 * Kinds, places and distances come from a seed. Some invoices after a fault, the next one follows.
 */
final class NetworkFaults implements Chaos, CommsObserver, AutoCloseable {

  private enum Kind {
    RESET,
    STALL,
    HALF_CLOSE,
    LOST_ANSWER
  }

  /** Longer than an attempt of the storefront, so that it is repeated. */
  private static final long STALL_NANOS = 600_000_000L;

  private static final int MAX_INVOICES_BETWEEN = 10;
  private static final int MAX_BYTES_BEFORE_RESET = 500;
  private static final long POLL_NANOS = 1_000_000L;

  private final long seed;
  private final TcpFaultProxy proxy;
  private final Map<Kind, Integer> counts = Collections.synchronizedMap(new EnumMap<>(Kind.class));
  private final AtomicLong repetitions = new AtomicLong();
  private volatile boolean over;

  NetworkFaults(long seed, int serverPort) {
    this.seed = seed;
    try {
      this.proxy = TcpFaultProxy.to(new InetSocketAddress("127.0.0.1", serverPort));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The port to which the storefront connects. */
  int port() {
    return proxy.port();
  }

  @Override
  public void begin(Feeder feeder, ShopRun run, ServiceHost services, Progress progress) {
    Thread thread = new Thread(() -> disturb(feeder, progress), "shop-network-faults");
    thread.setDaemon(true);
    thread.start();
  }

  private void disturb(Feeder feeder, Progress progress) {
    try {
      Random random = new Random(seed);
      List<Kind> round = new ArrayList<>();
      while (awaitInvoices(feeder, 1 + random.nextInt(MAX_INVOICES_BETWEEN))) {
        if (round.isEmpty()) {
          round.addAll(List.of(Kind.values()));
          Collections.shuffle(round, random);
        }
        Kind kind = round.remove(round.size() - 1);
        cause(kind, random, feeder);
        counts.merge(kind, 1, Integer::sum);
      }
    } finally {
      proxy.heal();
      progress.line(
          "network faults with --faults "
              + seed
              + ": "
              + counts
              + ", attempts repeated: "
              + repetitions);
      over = true;
    }
  }

  private void cause(Kind kind, Random random, Feeder feeder) {
    Direction direction = random.nextBoolean() ? Direction.TO_SERVER : Direction.TO_CLIENT;
    switch (kind) {
      case RESET -> proxy.cutAfter(direction, 1 + random.nextInt(MAX_BYTES_BEFORE_RESET));
      case LOST_ANSWER -> proxy.cutAfter(Direction.TO_CLIENT, 1);
      case STALL -> {
        proxy.blackHole(direction);
        long end = System.nanoTime() + STALL_NANOS;
        while (System.nanoTime() < end) {
          LockSupport.parkNanos(end - System.nanoTime());
        }
        proxy.heal();
      }
      case HALF_CLOSE -> {
        // Within a request, whose answer is then cut or lost.
        long before = proxy.forwardedBytes(Direction.TO_SERVER);
        await(feeder, () -> proxy.forwardedBytes(Direction.TO_SERVER) > before);
        proxy.halfClose(direction);
      }
    }
  }

  /** Waits until more invoices are accepted; returns false once there are no more. */
  private static boolean awaitInvoices(Feeder feeder, int more) {
    long until = feeder.fed() + more;
    return await(feeder, () -> feeder.fed() >= until);
  }

  private static boolean await(Feeder feeder, BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      if (feeder.fed() == feeder.total()) {
        return false;
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    return feeder.fed() < feeder.total();
  }

  /** Counts each attempt that had to be made again, by the call itself or by the feeder. */
  @Override
  public void onAttempt(
      CallTarget target,
      CallOutcome outcome,
      int attempt,
      Duration elapsed,
      Optional<Refusal> refusal) {
    if (target.service().equals(OrderService.NAME) && outcome.status() != CallStatus.OK) {
      repetitions.incrementAndGet();
    }
  }

  @Override
  public boolean isOver() {
    return over;
  }

  @Override
  public List<String> shortfalls() {
    List<String> missing = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      if (!counts.containsKey(kind)) {
        missing.add("network faults: no " + kind + " (feed longer with --repeat)");
      }
    }
    if (repetitions.get() == 0) {
      missing.add("network faults: no attempt was repeated");
    }
    return missing;
  }

  @Override
  public void close() {
    proxy.close();
  }
}
