package io.commslib.benchmarks.chaos.broker;

import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.Publisher;
import io.commslib.testkit.history.HistoryOp;
import io.commslib.testkit.history.HistoryWriter;
import io.commslib.testkit.history.MessageTrace;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Producers that publish numbered messages round by round, each with keys of its own. The next
 * message of a key is published when the previous one is confirmed, and failed messages are
 * repeated. So the order of a key is known, whatever fails.
 */
final class ChaosLoad implements AutoCloseable {

  private final int keys;
  private final byte[] body;
  private final List<Thread> threads = new ArrayList<>();
  private final List<Path> files = new ArrayList<>();
  private final AtomicInteger confirmed = new AtomicInteger();
  private final AtomicLong slowestNanos = new AtomicLong();
  private volatile boolean stopped;
  private volatile @Nullable Throwable failure;

  ChaosLoad(Publisher publisher, Destination to, Path folder, RowSetup setup) {
    this(publisher, to, folder, "p", setup);
  }

  /**
   * Starts the producers.
   *
   * @param prefix the prefix of the producers' names, and so of their keys and messages
   */
  ChaosLoad(Publisher publisher, Destination to, Path folder, String prefix, RowSetup setup) {
    this.keys = setup.keys;
    this.body = new byte[setup.bodyBytes];
    int rounds = setup.rounds;
    for (int number = 0; number < setup.producerCount; number++) {
      String writer = prefix + number;
      Path file = folder.resolve(writer + ".jsonl");
      files.add(file);
      Thread thread =
          new Thread(
              () -> produce(publisher, to, writer, file, rounds), "commslib-chaos-" + writer);
      thread.setDaemon(true);
      threads.add(thread);
    }
    threads.forEach(Thread::start);
  }

  private void produce(Publisher publisher, Destination to, String writer, Path file, int rounds) {
    try (HistoryWriter history = HistoryWriter.open(file, "chaos", writer)) {
      for (int round = 0; round < rounds && !stopped; round++) {
        List<MessageTrace> open = new ArrayList<>();
        for (int key = 0; key < keys; key++) {
          String name = writer + "-k" + key;
          open.add(new MessageTrace(name + "-" + round, writer, name, round));
        }
        while (!open.isEmpty() && !stopped) {
          open = publish(publisher, to, history, open);
        }
      }
    } catch (Exception e) {
      failure = e;
    }
  }

  /** Returns the messages that were not confirmed. */
  private List<MessageTrace> publish(
      Publisher publisher, Destination to, HistoryWriter history, List<MessageTrace> traces) {
    List<CompletionStage<?>> receipts = new ArrayList<>();
    for (MessageTrace trace : traces) {
      history.record(HistoryOp.ATTEMPT, trace);
      Message message = trace.stamp(Message.builder("chaos.event")).sharedBody(body).build();
      receipts.add(publisher.publish(to, message));
    }
    long published = System.nanoTime();
    List<MessageTrace> failed = new ArrayList<>();
    for (int i = 0; i < traces.size(); i++) {
      try {
        receipts.get(i).toCompletableFuture().join();
        history.record(HistoryOp.ACK, traces.get(i));
        confirmed.incrementAndGet();
      } catch (CompletionException e) {
        boolean surely =
            e.getCause() instanceof PublishException refused
                && refused.certainty() == SendCertainty.NOT_SENT;
        history.record(surely ? HistoryOp.FAIL : HistoryOp.UNKNOWN, traces.get(i));
        failed.add(traces.get(i));
      }
    }
    slowestNanos.accumulateAndGet(System.nanoTime() - published, Math::max);
    return failed;
  }

  boolean isRunning() {
    return threads.stream().anyMatch(Thread::isAlive);
  }

  /** {@return the longest time from a publish to its outcome} */
  Duration slowest() {
    return Duration.ofNanos(slowestNanos.get());
  }

  int confirmed() {
    return confirmed.get();
  }

  List<Path> files() {
    return files;
  }

  /** Waits for all producers; throws the failure of a producer. */
  void join() throws InterruptedException {
    for (Thread thread : threads) {
      thread.join();
    }
    if (failure != null) {
      throw new IllegalStateException("producer", failure);
    }
  }

  @Override
  public void close() {
    stopped = true;
  }
}
