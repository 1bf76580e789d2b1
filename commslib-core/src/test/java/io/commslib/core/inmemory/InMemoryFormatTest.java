package io.commslib.core.inmemory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.CodecException;
import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.RecordHeader;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.VirtualTime;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Records of other programs on this transport, as the test of a format publishes them. */
class InMemoryFormatTest {

  private static final Destination QUEUE = Destination.queue("orders");

  /** Records without attributes: the type is constant, the id is the assigned one. */
  private static final class BareFormat implements MessageFormat {
    @Override
    public String name() {
      return "bare";
    }

    @Override
    public boolean alwaysFindsId() {
      return false;
    }

    @Override
    public Message read(ForeignRecord record) {
      if (!record.hasBody()) {
        throw new CodecException("COMMS-TEST-001", "no body", null);
      }
      return Message.builder("order.created")
          .id(record.assignedId().orElseThrow())
          .source("/" + record.boundName())
          .body(record.body())
          .build();
    }

    @Override
    public ForeignRecord write(Message message) {
      if (message.bodyLength() == 0) {
        throw new CodecException("COMMS-TEST-002", "an empty body can't be written", null);
      }
      return ForeignRecord.builder().header("X-Type", message.type()).body(message.body()).build();
    }
  }

  private final VirtualTime time = VirtualTime.create();
  private final InMemoryTransport transport = InMemoryTransport.builder().runtime(time).build();
  private final List<Delivery> handled = new ArrayList<>();
  private boolean refuses;

  @BeforeEach
  void subscribe() {
    transport.declare(DestinationConfig.builder(QUEUE).format(new BareFormat()).build());
    transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(QUEUE).workers(1).build(),
            delivery -> {
              handled.add(delivery);
              return refuses ? Settlement.deadLetter("NO") : Settlement.done();
            });
  }

  @AfterEach
  void close() {
    transport.close();
  }

  private void publish(ForeignRecord record) {
    transport.publishRaw(QUEUE, record);
    time.runUntilIdle();
  }

  private static ForeignRecord record(String body) {
    return ForeignRecord.builder()
        .key(new byte[] {0, 1})
        .header("a", "1")
        .header("a", "2")
        .body(body.getBytes(StandardCharsets.UTF_8))
        .build();
  }

  @Test
  void theFormatReadsRecordsWithNameAndAssignedId() {
    publish(record("one"));
    publish(record("two"));
    assertThat(handled)
        .extracting(delivery -> delivery.message().type())
        .containsOnly("order.created");
    assertThat(handled).extracting(delivery -> delivery.message().source()).containsOnly("/orders");
    assertThat(handled).extracting(delivery -> delivery.message().id()).doesNotHaveDuplicates();
  }

  @Test
  void theRecordAndItsIdStayTheSameThroughDeadLetterAndRedrive() {
    refuses = true;
    publish(record("one"));
    DeadLetter letter = transport.deadLetters().list(QUEUE, "main", 10).get(0);
    refuses = false;
    assertThat(transport.deadLetters().redrive(QUEUE, "main", any -> true)).isEqualTo(1);
    time.runUntilIdle();
    assertThat(handled).hasSize(2);
    Delivery first = handled.get(0);
    Delivery again = handled.get(1);
    assertThat(again.redriveCount()).isEqualTo(1);
    assertThat(again.message().identity())
        .isEqualTo(first.message().identity())
        .isEqualTo(letter.identity());
    assertThat(again.record().key().orElseThrow()).containsExactly(0, 1);
    assertThat(again.record().headers())
        .isEqualTo(first.record().headers())
        .containsExactly(new RecordHeader("a", "1"), new RecordHeader("a", "2"));
  }

  @Test
  void aBinaryKeyOrdersItsRecords() {
    refuses = true;
    publish(record("one"));
    assertThat(transport.deadLetters().list(QUEUE, "main", 10).get(0).key())
        .contains("hex:" + HexFormat.of().formatHex(new byte[] {0, 1}));
  }

  @Test
  void aRecordThatTheFormatRefusesIsADeadLetter() {
    publish(ForeignRecord.builder().key("k").build());
    DeadLetter letter = transport.deadLetters().list(QUEUE, "main", 10).get(0);
    assertThat(letter.reason()).isEqualTo("COMMS-TEST-001");
    assertThat(letter.message()).isEmpty();
    assertThat(handled).isEmpty();
  }

  @Test
  void whatIsPublishedIsWrittenInTheFormat() {
    Message message = Message.builder("order.created").body(new byte[] {7}).build();
    transport.publisher().publish(QUEUE, message).toCompletableFuture().join();
    time.advance(Duration.ofMillis(1));
    assertThat(handled.get(0).record().headers())
        .containsExactly(new RecordHeader("X-Type", "order.created"));
    assertThat(handled.get(0).message().body()).containsExactly(7);
  }

  @Test
  void whatTheFormatCantWriteIsNotSent() {
    Message empty = Message.builder("order.created").build();
    assertThatThrownBy(
            () -> transport.publisher().publish(QUEUE, empty).toCompletableFuture().join())
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOfSatisfying(
            PublishException.class,
            refusal -> {
              assertThat(refusal.code()).isEqualTo("COMMS-TEST-002");
              assertThat(refusal.kind()).isEqualTo(FailureKind.PERMANENT);
              assertThat(refusal.certainty()).isEqualTo(SendCertainty.NOT_SENT);
            });
  }

  @Test
  void anotherFormatOfADeclaredDestinationIsRefused() {
    transport.declare(DestinationConfig.builder(QUEUE).format(new BareFormat()).build());
    assertThatThrownBy(() -> transport.declare(DestinationConfig.builder(QUEUE).build()))
        .isInstanceOf(SubscribeException.class)
        .hasMessageContaining("format: none (expected: bare, as declared before)");
  }
}
