package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.RabbitServer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A quorum queue would mix up letters that were fetched and not deleted. */
class ListingOrderIT {

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final int LETTERS = 150;

  private final Destination queue = Destination.queue("listing-order");
  private final List<Integer> handled = new CopyOnWriteArrayList<>();

  @Test
  void lettersThatWereListedKeepTheirOrder() {
    try (RabbitTransport transport = RabbitTransport.create(RabbitServer.shared().uri())) {
      transport.declare(DestinationConfig.builder(queue).build());
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(queue).build(),
              delivery -> {
                if (delivery.redriveCount() == 0) {
                  return Settlement.deadLetter("LATER");
                }
                handled.add(Integer.valueOf(delivery.message().id()));
                return Settlement.done();
              });
      for (int i = 1; i <= LETTERS; i++) {
        Message message = Message.builder("t").id(Integer.toString(i)).key("k").build();
        transport.publisher().publish(queue, message).toCompletableFuture().join();
      }
      Await.until("the letters", LIMIT, () -> listed(transport).size() == LETTERS);

      assertThat(listed(transport)).isEqualTo(numbers());
      assertThat(listed(transport)).isEqualTo(numbers());
      assertThat(transport.deadLetters().redrive(queue, "main", ListingOrderIT::isEven))
          .isEqualTo(LETTERS / 2);
      assertThat(listed(transport))
          .isEqualTo(numbers().stream().filter(number -> number % 2 == 1).toList());
      Await.until("the even ones", LIMIT, () -> handled.size() == LETTERS / 2);
      assertThat(transport.deadLetters().redrive(queue, "main", letter -> true))
          .isEqualTo(LETTERS / 2);
      Await.until("all", LIMIT, () -> handled.size() == LETTERS);
      assertThat(handled.subList(0, LETTERS / 2)).isSorted();
      assertThat(handled.subList(LETTERS / 2, LETTERS)).isSorted();
    }
  }

  private static boolean isEven(DeadLetter letter) {
    return Integer.parseInt(letter.messageId()) % 2 == 0;
  }

  private List<Integer> listed(RabbitTransport transport) {
    return transport.deadLetters().list(queue, "main", 1_000).stream()
        .map(letter -> Integer.valueOf(letter.messageId()))
        .toList();
  }

  private static List<Integer> numbers() {
    return IntStream.rangeClosed(1, LETTERS).boxed().toList();
  }
}
