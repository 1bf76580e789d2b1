package io.commslib.examples.shop.cli;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.examples.shop.storefront.Invoice;
import io.commslib.examples.shop.storefront.Storefront;
import io.commslib.http.HttpAnswerException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Feeds the invoices on threads of its own: repetition by repetition, those of a customer in file
 * order, at a limited rate. Over HTTP several threads share the customers.
 */
final class Feeder {

  private static final long RETRY_NANOS = 100_000_000L;
  private static final int HTTP_LANES = 4;
  private static final int SERVER_ERROR = 500;

  private final Storefront storefront;
  private final List<Invoice> invoices;
  private final ShopOptions options;
  private final AtomicLong fed = new AtomicLong();
  private final AtomicLong allowed = new AtomicLong(Long.MAX_VALUE);
  private final List<Thread> lanes = new ArrayList<>();
  private volatile boolean stopped;
  private volatile @Nullable RuntimeException failure;

  Feeder(Storefront storefront, List<Invoice> invoices, ShopOptions options) {
    this.storefront = storefront;
    this.invoices = invoices;
    this.options = options;
    int count = options.intake() == ShopOptions.Intake.HTTP ? HTTP_LANES : 1;
    for (int i = 0; i < count; i++) {
      int lane = i;
      Thread thread = new Thread(() -> run(lane), "shop-feeder-" + lane);
      thread.setDaemon(true);
      lanes.add(thread);
    }
  }

  void start() {
    lanes.forEach(Thread::start);
  }

  /** Limits the number of invoices to feed, until the next call. */
  void allow(long count) {
    allowed.set(count);
    lanes.forEach(LockSupport::unpark);
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

  private void run(int lane) {
    try {
      long start = System.nanoTime();
      for (int repetition = 1; repetition <= options.repeat(); repetition++) {
        for (Invoice invoice : invoices) {
          if (laneOf(invoice) != lane) {
            continue;
          }
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

  private int laneOf(Invoice invoice) {
    String key = invoice.customer().isEmpty() ? invoice.number() : invoice.customer();
    return Math.floorMod(key.hashCode(), lanes.size());
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

  /** Repeats until the invoice is accepted; it takes effect only once. */
  private void feed(Invoice invoice, int repetition) {
    while (!stopped) {
      try {
        storefront.feed(invoice, repetition);
        return;
      } catch (CommsException e) {
        if (isFinal(e)) {
          throw e;
        }
        LockSupport.parkNanos(RETRY_NANOS);
      }
    }
  }

  /** Returns whether a repetition would fail too; a server's own failure is none of these. */
  private static boolean isFinal(CommsException failure) {
    boolean isOfServer =
        failure instanceof HttpAnswerException answer && answer.status() >= SERVER_ERROR;
    return failure.kind() == FailureKind.PERMANENT && !isOfServer;
  }
}
