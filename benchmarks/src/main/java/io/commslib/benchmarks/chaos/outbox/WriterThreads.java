package io.commslib.benchmarks.chaos.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** Writers in this process, each on a thread, until told to stop or so many are committed. */
final class WriterThreads implements AutoCloseable {

  private final List<ChaosWriter> writers = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private volatile boolean stopped;
  private volatile @Nullable Throwable failure;

  /** Starts them. */
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
   * Of all of them.
   *
   * @throws IllegalStateException if one has ended before it was told to: whoever waits for more
   *     would wait in vain
   */
  long sum(ToLongFunction<ChaosWriter> count) {
    checkNoneFailed();
    return writers.stream().mapToLong(count).sum();
  }

  /** Waits until all have written what they shall. */
  void join() {
    Await.until("writers done", Duration.ofMinutes(30), () -> !isRunning());
    checkNoneFailed();
  }

  private void checkNoneFailed() {
    if (failure != null) {
      throw new IllegalStateException("writer", failure);
    }
  }

  /** Stops them after the transaction they are in. */
  void stop() {
    stopped = true;
    join();
  }

  @Override
  public void close() {
    stopped = true;
  }
}
