package io.commslib.core.engine;

import io.commslib.core.messaging.BlockedKeyStore;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.Workers;
import io.commslib.core.tx.TransactionRunner;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Starts the workers that the engine has requested under its lock, after the lock is released.
 * Thread-safe.
 */
final class WorkerStarter {

  private static final Duration RETRY_DELAY = Duration.ofMillis(500);

  private final CommsRuntime runtime;
  private final EngineEvents events;
  private final Workers workers;
  private final Runnable onNotStarted;
  private final Runnable onRetry;
  private final AtomicInteger requested = new AtomicInteger();
  private @Nullable Runnable loop;

  /**
   * With the callbacks for a worker that could not be started, and for the time to request one
   * again.
   */
  WorkerStarter(
      SubscriptionConfig config,
      CommsRuntime runtime,
      EngineEvents events,
      String name,
      Runnable onNotStarted,
      Runnable onRetry) {
    this.runtime = runtime;
    this.events = events;
    this.onNotStarted = onNotStarted;
    this.onRetry = onRetry;
    boolean platform =
        config.transactions().map(TransactionRunner::needsPlatformThreads).orElse(false)
            || config.blockedKeys().map(BlockedKeyStore::needsPlatformThreads).orElse(false);
    this.workers =
        platform
            ? runtime.newPlatformWorkers(name, config.workers())
            : runtime.newWorkers(name, config.workers());
  }

  /** Sets the loop that each worker runs; called before the first request. */
  void runWorkersWith(Runnable newLoop) {
    this.loop = newLoop;
  }

  void request() {
    requested.incrementAndGet();
  }

  /** Starts what was requested. Called without the engine's lock. */
  void startRequested() {
    if (requested.get() > 0) {
      for (int left = requested.getAndSet(0); left > 0; left--) {
        start();
      }
    }
  }

  private void start() {
    try {
      workers.execute(Objects.requireNonNull(loop));
    } catch (RejectedExecutionException e) {
      // The runtime is closed, so no worker is needed.
      onNotStarted.run();
    } catch (RuntimeException | Error e) {
      // No thread is available now; the running workers continue.
      onNotStarted.run();
      runtime.scheduler().schedule(RETRY_DELAY, onRetry);
      events.componentFailed("no worker could be started", e);
    }
  }

  void close() {
    workers.close();
  }
}
