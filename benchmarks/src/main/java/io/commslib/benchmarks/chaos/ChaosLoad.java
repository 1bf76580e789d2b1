package io.commslib.benchmarks.chaos;

import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.Publisher;
import io.commslib.testkit.HistoryOp;
import io.commslib.testkit.HistoryWriter;
import io.commslib.testkit.MessageTrace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Producers that publish numbered messages to keys of their own, round by round: the next message
 * of a key is published when the one before is confirmed, and what failed is repeated. So the order
 * of a key is known, whatever fails.
 */
final class ChaosLoad implements AutoCloseable {

  static final int KEYS_EACH = 50;
  private static final byte[] BODY = new byte[1_024];

  private final List<Thread> threads = new ArrayList<>();
  private final List<Path> files = new ArrayList<>();
  private final AtomicInteger confirmed = new AtomicInteger();
  private volatile boolean stopped;
  private volatile @Nullable Throwable failure;

  ChaosLoad(Publisher publisher, Destination to, Path folder, int producers, int rounds) {
    for (int number = 0; number < producers; number++) {
      String writer = "p" + number;
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
        for (int key = 0; key < KEYS_EACH; key++) {
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

  /** Returns those that were not confirmed. */
  private List<MessageTrace> publish(
      Publisher publisher, Destination to, HistoryWriter history, List<MessageTrace> traces) {
    List<CompletionStage<?>> receipts = new ArrayList<>();
    for (MessageTrace trace : traces) {
      history.record(HistoryOp.ATTEMPT, trace);
      Message message = trace.stamp(Message.builder("chaos.event")).sharedBody(BODY).build();
      receipts.add(publisher.publish(to, message));
    }
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
    return failed;
  }

  boolean isRunning() {
    return threads.stream().anyMatch(Thread::isAlive);
  }

  int confirmed() {
    return confirmed.get();
  }

  List<Path> files() {
    return files;
  }

  /** Waits for all producers; fails as they failed. */
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
