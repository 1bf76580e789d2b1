package io.commslib.resilience;

import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the source of a pool for its endpoints, once in a time and only while attempts are made. If
 * the source fails or has none, the endpoints before stay in use. Thread-safe.
 */
final class EndpointRefresh<E> {

  private static final Logger log = LoggerFactory.getLogger(EndpointRefresh.class);

  private final String pool;
  private final CommsRuntime runtime;
  private final Callable<List<E>> source;
  private final long periodNanos;
  private final boolean isBlocking;
  private final AtomicBoolean refreshing = new AtomicBoolean();
  private volatile @Nullable Consumer<List<E>> target;

  /** The time of the next refresh. */
  private volatile long due;

  private volatile boolean sourceFails;

  EndpointRefresh(
      String pool,
      CommsRuntime runtime,
      Callable<List<E>> source,
      Duration period,
      boolean isBlocking) {
    this.pool = pool;
    this.runtime = runtime;
    this.source = source;
    this.periodNanos = period.toNanos();
    this.isBlocking = isBlocking;
    long now = runtime.time().nanoTime();
    // A lookup has not been made yet; other sources have just been asked.
    this.due = isBlocking ? now : now + periodNanos;
  }

  /** Sets the receiver of the endpoints. */
  EndpointRefresh<E> to(Consumer<List<E>> receiver) {
    target = receiver;
    return this;
  }

  void ifDue(long now) {
    if (now - due < 0 || !refreshing.compareAndSet(false, true)) {
      return;
    }
    if (isBlocking) {
      start(now);
    } else {
      refresh();
    }
  }

  /** A lookup may hang for a minute and ignores interrupts, so no call makes it. */
  private void start(long now) {
    try {
      runtime.newThread("endpoints-" + pool, this::refresh).start();
    } catch (Throwable e) {
      // No thread can be started now; the endpoints before stay in use.
      due = now + periodNanos;
      refreshing.set(false);
    }
  }

  private void refresh() {
    try {
      List<E> found = List.copyOf(source.call());
      if (found.isEmpty()) {
        throw new IllegalStateException("the source has no endpoint");
      }
      Consumer<List<E>> receiver = target;
      if (receiver != null) {
        receiver.accept(found);
      }
      sourceFails = false;
    } catch (Throwable e) {
      if (!sourceFails) {
        sourceFails = true;
        log.warn("{}: the endpoints before stay in use: {}", pool, e.toString());
      }
    } finally {
      due = runtime.time().nanoTime() + periodNanos;
      refreshing.set(false);
    }
  }
}
