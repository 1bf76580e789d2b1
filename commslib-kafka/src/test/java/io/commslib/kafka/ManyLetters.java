package io.commslib.kafka;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.redrive.CauseGroup;
import io.commslib.core.redrive.Redrive;
import io.commslib.core.time.SystemRuntime;
import io.commslib.testkit.Await;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Creates dead letters of 1 MB, lists them by cause and redrives one of them, in a small heap.
 * Arguments: the address of a broker and the number of letters.
 */
final class ManyLetters {

  private static final int CAUSES = 3;
  private static final int BODY_BYTES = 1_000_000;
  private static final Duration LIMIT = Duration.ofMinutes(5);

  private ManyLetters() {}

  public static void main(String[] args) throws Exception {
    int letters = Integer.parseInt(args[1]);
    Destination queue = Destination.queue("many-letters-" + letters);
    KafkaTransportConfig config =
        KafkaTransportConfig.builder(args[0])
            .maxMessageBytes(1_100_000)
            .observer(CommsObserver.none())
            .build();
    try (SystemRuntime runtime = SystemRuntime.create();
        KafkaTransport transport = KafkaTransport.create(config)) {
      transport.declare(DestinationConfig.builder(queue).partitions(4).build());
      fill(transport, queue, letters);
      Redrive redrive = Redrive.builder(transport.deadLetters(), runtime).build();
      List<CauseGroup> groups = redrive.groups(queue, "main");
      check("causes", groups.size(), Math.min(CAUSES, letters));
      check("letters", groups.stream().mapToInt(CauseGroup::count).sum(), letters);
      String wanted = "m" + letters / 2;
      int sent =
          transport
              .deadLetters()
              .redrive(queue, "main", letter -> letter.messageId().equals(wanted));
      check("redriven", sent, 1);
      AtomicInteger back = new AtomicInteger();
      Subscription again =
          transport
              .subscriber()
              .subscribe(
                  small(queue).build(),
                  delivery -> {
                    back.incrementAndGet();
                    return Settlement.done();
                  });
      Await.until("back", LIMIT, () -> back.get() == 1);
      again.close();
      long most = Runtime.getRuntime().maxMemory() >> 20;
      System.out.println("listed " + letters + " and redrove one in " + most + " MiB");
    }
  }

  private static SubscriptionConfig.Builder small(Destination queue) {
    return SubscriptionConfig.builder(queue)
        .maxInFlightBytes(4L * 1_100_000)
        .retry(RetrySchedule.builder().attemptsAtOnce(1).delays().build());
  }

  private static void fill(KafkaTransport transport, Destination queue, int letters) {
    AtomicInteger handled = new AtomicInteger();
    Subscription subscription =
        transport
            .subscriber()
            .subscribe(
                small(queue).build(),
                delivery -> {
                  int number = Integer.parseInt(delivery.message().id().substring(1));
                  handled.incrementAndGet();
                  return Settlement.deadLetter("REASON_" + number % CAUSES);
                });
    // Incompressible, like encrypted or compressed content.
    byte[] body = new byte[BODY_BYTES];
    new SplittableRandom(7).nextBytes(body);
    for (int i = 0; i < letters; i++) {
      Message message = Message.builder("t").id("m" + i).key("k" + i).body(body).build();
      transport.publisher().publish(queue, message).toCompletableFuture().join();
    }
    Await.until("all are dead letters", LIMIT, () -> handled.get() >= letters);
    subscription.drain(LIMIT);
    subscription.close();
  }

  private static void check(String what, long found, long expected) {
    if (found != expected) {
      throw new IllegalStateException(what + ": " + found + " (expected: " + expected + ")");
    }
  }
}
