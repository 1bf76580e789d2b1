package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.impl.LongStringHelper;
import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.time.SystemRuntime;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.RabbitServer;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.util.AbstractMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Results of publishes, compared with the messages in the queue. */
class PublishOutcomesIT {

  private static final int FRAME_MAX = 8_192;
  private static final int QUEUE_CAPACITY = 40;
  private static int number;

  private final Destination queue = Destination.queue("outcomes-" + ++number);
  private final Map<String, CompletableFuture<PublishReceipt>> results = new LinkedHashMap<>();
  private RawClient foreign;

  @BeforeEach
  void start() throws Exception {
    foreign = RawClient.connect(RabbitServer.shared().uri());
    // A classic queue enforces its bound exactly.
    Map<String, Object> bounded =
        Map.of("x-max-length", QUEUE_CAPACITY, "x-overflow", "reject-publish");
    foreign.channel().queueDeclare(queue.name(), true, false, false, bounded);
    foreign.channel().queueDeclare(queue.name() + "@.dlq", true, false, false, null);
    foreign.channel().queueDeclare(queue.name() + "@.begun", true, false, false, null);
    foreign.channel().exchangeDeclare(queue.name() + "@.redrive", "fanout", true);
  }

  @AfterEach
  void stop() {
    foreign.close();
  }

  private static RabbitTransportConfig config() {
    return RabbitTransportConfig.builder(RabbitServer.shared().uri())
        .publishTimeout(Duration.ofSeconds(5))
        .nativeSettings(factory -> factory.setRequestedFrameMax(FRAME_MAX))
        .build();
  }

  private Set<String> takeQueuedIds() {
    int count = Math.toIntExact(foreign.count(queue.name()));
    return foreign.consume(queue.name(), count).stream()
        .map(delivery -> delivery.getProperties().getMessageId())
        .collect(Collectors.toSet());
  }

  private static PublishException failure(CompletionStage<PublishReceipt> result) {
    try {
      result.toCompletableFuture().join();
      return null;
    } catch (CompletionException e) {
      return (PublishException) e.getCause();
    }
  }

  @Test
  void eachPublishGetsItsOwnResultAmongRefusedAndUnwritableOnes() {
    try (RabbitTransport transport = RabbitTransport.create(config())) {
      transport.declare(DestinationConfig.builder(queue).verifyOnly().build());
      for (int i = 0; i < 100; i++) {
        Message.Builder message = Message.builder("t").id(queue.name() + "-" + i);
        if (i % 5 == 1) {
          message.contentType("a/" + "b".repeat(254));
        } else if (i % 5 == 3) {
          message.header("large", "x".repeat(FRAME_MAX));
        }
        results.put(
            queue.name() + "-" + i,
            transport.publisher().publish(queue, message.build()).toCompletableFuture());
      }
      Set<String> confirmed = confirmed();
      assertThat(confirmed).hasSize(QUEUE_CAPACITY).isEqualTo(takeQueuedIds());
      for (int i = 0; i < 100; i++) {
        PublishException failure = failure(results.get(queue.name() + "-" + i));
        if (i % 5 == 1) {
          assertThat(failure)
              .hasMessageStartingWith(
                  "COMMS-RABBIT-013: content type: 256 bytes (expected: at most 255 bytes in"
                      + " UTF-8)");
        } else if (i % 5 == 3) {
          assertThat(failure)
              .hasMessageMatching(
                  "COMMS-RABBIT-013: headers: 8\\d{3} bytes with properties \\(expected: at most"
                      + " 8192, frame_max of the connection\\) .*");
        } else if (failure != null) {
          assertThat(failure)
              .hasMessage(
                  "COMMS-RABBIT-010: refused by the broker (nack), as by a queue that is full"
                      + " (NOT_SENT, "
                      + queue
                      + ", message "
                      + queue.name()
                      + "-"
                      + i
                      + ")");
          continue;
        }
        if (failure != null) {
          assertThat(failure.code()).isEqualTo("COMMS-RABBIT-013");
          assertThat(failure.kind()).isEqualTo(FailureKind.PERMANENT);
          assertThat(failure.certainty()).isEqualTo(SendCertainty.NOT_SENT);
        }
      }
    }
  }

  @Test
  void aTopicThatOneQueueRefusesMayHaveReachedAnother() throws Exception {
    Destination topic = Destination.topic("outcomes-" + ++number);
    Map<String, Object> full = Map.of("x-max-length", 0, "x-overflow", "reject-publish");
    foreign.channel().exchangeDeclare(topic.name(), "fanout", true);
    foreign.channel().queueDeclare(topic.name() + "@full", true, false, false, full);
    foreign.channel().queueBind(topic.name() + "@full", topic.name(), "");
    foreign.channel().queueDeclare(topic.name() + "@open", true, false, false, null);
    foreign.channel().queueBind(topic.name() + "@open", topic.name(), "");
    try (RabbitTransport transport = RabbitTransport.create(config())) {
      transport.declare(DestinationConfig.builder(topic).verifyOnly().build());
      PublishException failure =
          failure(transport.publisher().publish(topic, Message.builder("t").id("m1").build()));
      assertThat(failure.code()).isEqualTo("COMMS-RABBIT-010");
      assertThat(failure.certainty()).isEqualTo(SendCertainty.MAYBE_SENT);
      assertThat(foreign.count(topic.name() + "@open")).isEqualTo(1);
    }
  }

  private Set<String> confirmed() {
    return results.entrySet().stream()
        .filter(result -> failure(result.getValue()) == null)
        .map(Map.Entry::getKey)
        .collect(Collectors.toSet());
  }

  /** Records that the client can't write, detected before it counts the publish. */
  private enum Unwritable {
    CONTENT_TYPE(new AMQP.BasicProperties.Builder().contentType(LONG)),
    CONTENT_ENCODING(new AMQP.BasicProperties.Builder().contentEncoding(LONG)),
    CORRELATION_ID(new AMQP.BasicProperties.Builder().correlationId(LONG)),
    REPLY_TO(new AMQP.BasicProperties.Builder().replyTo(LONG)),
    EXPIRATION(new AMQP.BasicProperties.Builder().expiration(LONG)),
    MESSAGE_ID(new AMQP.BasicProperties.Builder().messageId(LONG)),
    TYPE(new AMQP.BasicProperties.Builder().type(LONG)),
    APP_ID(new AMQP.BasicProperties.Builder().appId(LONG)),
    CLUSTER_ID(new AMQP.BasicProperties.Builder().clusterId(LONG)),
    HEADER_NAME(Map.of("ä".repeat(128), "")),
    NESTED_HEADER_NAME(Map.of("h", Map.of("n".repeat(256), ""))),
    HEADER_OF_AN_UNSUPPORTED_TYPE(Map.of("h", new Object())),
    NESTED_HEADER_OF_AN_UNSUPPORTED_TYPE(Map.of("h", List.of(new StringBuilder()))),
    DECIMAL_OF_A_LARGE_SCALE(Map.of("h", new BigDecimal(BigInteger.ONE, 256))),
    DECIMAL_OF_A_LARGE_VALUE(Map.of("h", new BigDecimal(Long.MAX_VALUE))),
    TOO_MANY_HEADERS(
        java.util.stream.IntStream.range(0, 1_000)
            .boxed()
            .collect(Collectors.toMap(i -> "h" + i, i -> i))),
    LONG_TEXT(Map.of("h", "x".repeat(FRAME_MAX))),
    LONG_BYTES(Map.of("h", new byte[FRAME_MAX])),
    LONG_RECEIVED_TEXT(Map.of("h", LongStringHelper.asLongString(new byte[FRAME_MAX])));

    private final AMQP.BasicProperties properties;
    private final Map<String, Object> headers;

    Unwritable(AMQP.BasicProperties.Builder properties) {
      this.properties = properties.build();
      this.headers = Map.of();
    }

    Unwritable(Map<String, ?> headers) {
      this.properties = new AMQP.BasicProperties();
      this.headers = Map.copyOf(headers);
    }
  }

  /** One byte longer in UTF-8 than a short string may be. */
  private static final String LONG = "a" + "ä".repeat(127) + "b";

  @ParameterizedTest
  @EnumSource(Unwritable.class)
  void anUnwritableRecordIsRefusedPermanentlyAndTheChannelStaysOpen(Unwritable unwritable)
      throws Exception {
    try (SystemRuntime runtime = SystemRuntime.create()) {
      RabbitSender sender = new RabbitSender(config(), runtime);
      sender.connect();
      send(sender, "before", Map.of());
      OutgoingRecord record =
          new OutgoingRecord(unwritable.properties, unwritable.headers, new byte[0], false);
      PublishException refusal =
          failure(
              sender.send(new PublishTarget("", queue.name(), false, queue), "unwritable", record));
      send(sender, "after", Map.of());
      assertThat(confirmed())
          .containsExactlyInAnyOrder("before", "after")
          .isEqualTo(takeQueuedIds());
      assertThat(refusal.code()).isEqualTo("COMMS-RABBIT-013");
      assertThat(refusal.kind()).isEqualTo(FailureKind.PERMANENT);
      assertThat(refusal.certainty()).isEqualTo(SendCertainty.NOT_SENT);
      sender.close();
    }
  }

  private void send(RabbitSender sender, String id, Map<String, Object> headers) {
    AMQP.BasicProperties properties =
        new AMQP.BasicProperties.Builder().messageId(id).deliveryMode(2).build();
    results.put(
        id,
        sender
            .send(
                new PublishTarget("", queue.name(), false, queue),
                id,
                new OutgoingRecord(properties, headers, new byte[0], false))
            .toCompletableFuture());
  }

  @Test
  void aPublishThatThrowsClosesItsChannelAndNoConfirmIsMatchedToAnotherPublish() throws Exception {
    try (SystemRuntime runtime = SystemRuntime.create()) {
      RabbitSender sender = new RabbitSender(config(), runtime);
      sender.connect();
      for (Throwable thrown :
          List.of(
              new IllegalArgumentException("thrown"),
              new java.util.ConcurrentModificationException("thrown"),
              new StackOverflowError("thrown"))) {
        send(sender, "first", Map.of());
        try {
          send(sender, "thrower", Map.of("once", new FailsOnSecondEncoding(thrown)));
        } catch (StackOverflowError e) {
          assertThat(e).isSameAs(thrown);
        }
        for (int i = 0; i < 60; i++) {
          send(sender, "soon" + i, Map.of());
        }
        CompletableFuture<PublishReceipt> thrower = results.get("thrower");
        if (thrower != null) {
          assertThat(failure(thrower).code()).isEqualTo("COMMS-RABBIT-008");
          assertThat(failure(thrower).certainty()).isEqualTo(SendCertainty.MAYBE_SENT);
        }
        compareWithTheQueue();
        Await.until("publishes again", Duration.ofSeconds(20), () -> publishes(sender));
        for (int i = 0; i < 60; i++) {
          send(sender, "later" + i, Map.of());
        }
        assertThat(compareWithTheQueue())
            .contains("later0", "later30")
            .doesNotContain("later59", "thrower");
      }
      sender.close();
    }
  }

  /**
   * Checks that confirmed messages are in the queue and messages reported as not sent are not.
   * Empties both; returns the ids of the confirmed messages.
   */
  private Set<String> compareWithTheQueue() {
    Set<String> confirmed = confirmed();
    Set<String> notSent =
        results.entrySet().stream()
            .filter(result -> !confirmed.contains(result.getKey()))
            .filter(result -> failure(result.getValue()).certainty() == SendCertainty.NOT_SENT)
            .map(Map.Entry::getKey)
            .collect(Collectors.toSet());
    Set<String> queued = takeQueuedIds();
    assertThat(queued).containsAll(confirmed).doesNotContainAnyElementsOf(notSent);
    results.clear();
    return confirmed;
  }

  private boolean publishes(RabbitSender sender) {
    send(sender, "probe", Map.of());
    return failure(results.get("probe")) == null;
  }

  /** A table that can be encoded once, by the check, but not when it is published. */
  private static final class FailsOnSecondEncoding extends AbstractMap<String, Object> {
    /** Reads for the size, once per level of nesting, and for the content. */
    private static final int READS_OF_ONE_WRITE = readsOfOneWrite();

    private final Throwable thrown;
    private int reads;

    private static int readsOfOneWrite() {
      int[] reads = new int[1];
      Map<String, Object> counting =
          new AbstractMap<>() {
            @Override
            public Set<Entry<String, Object>> entrySet() {
              reads[0]++;
              return Map.<String, Object>of("n", 1).entrySet();
            }
          };
      try {
        new AMQP.BasicProperties.Builder().headers(Map.of("once", counting)).build().toFrame(1, 0);
      } catch (java.io.IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
      return reads[0];
    }

    FailsOnSecondEncoding(Throwable thrown) {
      this.thrown = thrown;
    }

    @Override
    public Set<Entry<String, Object>> entrySet() {
      if (++reads > READS_OF_ONE_WRITE) {
        throwUnchecked(thrown);
      }
      return Map.<String, Object>of("n", 1).entrySet();
    }

    @SuppressWarnings("unchecked")
    private static <E extends Throwable> void throwUnchecked(Throwable thrown) throws E {
      throw (E) thrown;
    }
  }
}
