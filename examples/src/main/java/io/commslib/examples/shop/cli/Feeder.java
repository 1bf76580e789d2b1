package io.commslib.examples.shop.cli;

import io.commslib.core.CommsException;
import io.commslib.examples.shop.storefront.Invoice;
import io.commslib.examples.shop.storefront.Storefront;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Feeds the invoices on a separate thread: in file order, repetition by repetition, at a limited
 * rate.
 */
final class Feeder {

  private static final long RETRY_NANOS = 100_000_000L;

  private final Storefront storefront;
  private final List<Invoice> invoices;
  private final ShopOptions options;
  private final AtomicLong fed = new AtomicLong();
  private final AtomicLong allowed = new AtomicLong(Long.MAX_VALUE);
  private final Thread thread;
  private volatile boolean stopped;
  private volatile @Nullable RuntimeException failure;

  Feeder(Storefront storefront, List<Invoice> invoices, ShopOptions options) {
    this.storefront = storefront;
    this.invoices = invoices;
    this.options = options;
    this.thread = new Thread(this::run, "shop-feeder");
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  /** Limits the number of invoices to feed, until the next call. */
  void allow(long count) {
    allowed.set(count);
    LockSupport.unpark(thread);
  }

  long total() {
    return (long) invoices.size() * options.repeat();
  }

  long fed() {
    return fed.get();
  }

  boolean isDone() {
    RuntimeException failed = failure;
    if (failed != null) {
      throw failed;
    }
    return fed.get() == total();
  }

  void stop() {
    stopped = true;
  }

  private void run() {
    try {
      long start = System.nanoTime();
      for (int repetition = 1; repetition <= options.repeat(); repetition++) {
        for (Invoice invoice : invoices) {
          waitForTurn(start);
          if (stopped) {
            return;
          }
          feed(invoice, repetition);
          fed.incrementAndGet();
        }
      }
    } catch (RuntimeException e) {
      failure = e;
    }
  }

  private void waitForTurn(long start) {
    while (!stopped && fed.get() >= allowed.get()) {
      LockSupport.parkNanos(RETRY_NANOS);
    }
    if (options.speed() > 0) {
      long due = start + fed.get() * 1_000_000_000L / options.speed();
      while (!stopped && System.nanoTime() < due) {
        LockSupport.parkNanos(due - System.nanoTime());
      }
    }
  }

  /** Repeats until the database accepts the invoice, which is fed only once. */
  private void feed(Invoice invoice, int repetition) {
    while (!stopped) {
      try {
        storefront.feed(invoice, repetition);
        return;
      } catch (CommsException e) {
        if (e.kind() == io.commslib.core.FailureKind.PERMANENT) {
          throw e;
        }
        LockSupport.parkNanos(RETRY_NANOS);
      }
    }
  }
}
