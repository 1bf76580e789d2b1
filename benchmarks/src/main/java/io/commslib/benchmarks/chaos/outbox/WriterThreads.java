package io.commslib.benchmarks.chaos.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** Writers in this process, each on a thread, until stopped or until enough is committed. */
final class WriterThreads implements AutoCloseable {

  private final List<ChaosWriter> writers = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private volatile boolean stopped;
  private volatile @Nullable Throwable failure;

  /** Starts the writers. */
  WriterThreads(
      OutboxTestSystem system,
      JdbcDatabase through,
      int count,
      long messages,
      ChaosWriter.Load load)
      throws Exception {
    for (int number = 0; number < count; number++) {
      writers.add(system.writer("w" + number, through, load));
    }
    for (ChaosWriter writer : writers) {
      Thread thread = new Thread(() -> run(writer, messages / count), "commslib-chaos-writer");
      thread.setDaemon(true);
      threads.add(thread);
      thread.start();
    }
  }

  private void run(ChaosWriter writer, long messages) {
    try {
      while (!stopped && writer.committed() < messages) {
        writer.write();
      }
    } catch (RuntimeException | Error e) {
      failure = e;
    }
  }

  boolean isRunning() {
    return threads.stream().anyMatch(Thread::isAlive);
  }

  /**
   * Returns the sum of a count over all writers.
   *
   * @throws IllegalStateException if a writer has failed, since its count would never grow again
   */
  long sum(ToLongFunction<ChaosWriter> count) {
    checkNoneFailed();
    return writers.stream().mapToLong(count).sum();
  }

  /** Waits until all writers have committed their messages. */
  void join() {
    Await.until("writers done", Duration.ofMinutes(30), () -> !isRunning());
    checkNoneFailed();
  }

  private void checkNoneFailed() {
    if (failure != null) {
      throw new IllegalStateException("writer", failure);
    }
  }

  /** Stops the writers after their current transaction. */
  void stop() {
    stopped = true;
    join();
  }

  @Override
  public void close() {
    stopped = true;
  }
}
