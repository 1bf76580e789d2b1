package io.commslib.core.lifecycle;

import io.commslib.core.Failures;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TimeSource;
import io.commslib.core.time.Timeouts;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls components of a service in parallel, each on a thread of its own, and waits for them for a
 * bounded time. A component that throws or does not return does not prevent the calls of the
 * others.
 */
final class ComponentCalls {

  private static final Logger log = LoggerFactory.getLogger(Lifecycle.class);

  /** A call of one component; returns whether it completed its work. */
  interface Call {
    boolean run();
  }

  private static final class Running {
    final String name;
    final CountDownLatch returned = new CountDownLatch(1);
    volatile boolean complete;
    volatile @Nullable Throwable failure;

    Running(String name) {
      this.name = name;
    }
  }

  private final CommsRuntime runtime;
  private final String action;
  private final List<Running> calls = new ArrayList<>();

  ComponentCalls(CommsRuntime runtime, String action) {
    this.runtime = runtime;
    this.action = action;
  }

  /** Starts the call of a component. */
  void begin(String name, Call call) {
    Running running = new Running(name);
    calls.add(running);
    Runnable body =
        () -> {
          try {
            running.complete = call.run();
          } catch (Throwable e) {
            running.failure = e;
          } finally {
            running.returned.countDown();
          }
        };
    try {
      runtime.newThread(action + "-" + name, body).start();
    } catch (Throwable e) {
      // If no thread can be created, the component is called on this one.
      body.run();
    }
  }

  /**
   * Waits for all calls, logs their failures and adds them to a list.
   *
   * @return whether all have returned and completed their work
   */
  boolean await(Duration timeout, List<Throwable> thrown) {
    TimeSource time = runtime.time();
    long end = time.nanoTime() + Timeouts.nanos(timeout);
    boolean all = true;
    for (Running call : calls) {
      if (!awaitOne(call, end - time.nanoTime())) {
        log.error("{} did not {} in time", call.name, action);
        all = false;
        continue;
      }
      Throwable failure = call.failure;
      if (failure != null) {
        log.error("{} could not {}: {}", call.name, action, Failures.text(failure), failure);
        thrown.add(failure);
      }
      all &= call.complete;
    }
    return all;
  }

  private static boolean awaitOne(Running call, long nanos) {
    boolean interrupted = Thread.interrupted();
    try {
      return call.returned.await(Math.max(0, nanos), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      interrupted = true;
      return call.returned.getCount() == 0;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
