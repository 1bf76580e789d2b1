package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.RowResult;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.Publisher;
import java.util.Random;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Each message is published ten times, the copies among up to a hundred others. */
final class BrokerDuplicatesRow {

  private static final int COPIES = 10;
  private static final int WINDOW = 100;

  private BrokerDuplicatesRow() {}

  static RowResult run(String name, ChaosOptions options) throws Exception {
    RowSetup setup = new RowSetup(options.bySize(10, 100, 500));
    try (KafkaRowEnvironment environment = new KafkaRowEnvironment(setup, options)) {
      Duplicating publisher =
          new Duplicating(environment.transport().publisher(), new Random(options.seed()));
      environment.produce(publisher).join();
      return environment.result(name, publisher.copies + " further copies");
    }
  }

  /** Publishes copies of some of the last messages after each one. */
  private static final class Duplicating implements Publisher {
    final AtomicLong copies = new AtomicLong();
    private final Publisher real;
    private final Random random;
    private final @Nullable Message[] last = new @Nullable Message[WINDOW];
    private int next;

    Duplicating(Publisher real, Random random) {
      this.real = real;
      this.random = random;
    }

    @Override
    public synchronized CompletionStage<PublishReceipt> publish(Destination to, Message message) {
      CompletionStage<PublishReceipt> receipt = real.publish(to, message);
      last[next] = message;
      next = (next + 1) % WINDOW;
      for (int copy = 1; copy < COPIES; copy++) {
        Message repeated = last[random.nextInt(WINDOW)];
        if (repeated != null) {
          real.publish(to, repeated);
          copies.incrementAndGet();
        }
      }
      return receipt;
    }
  }
}
