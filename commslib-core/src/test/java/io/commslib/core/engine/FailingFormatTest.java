package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.VirtualTime;
import io.commslib.core.wire.DefaultSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A format that fails beside reading and writing stops neither a publisher nor a route. */
class FailingFormatTest {

  private static final Destination ORDERS = Destination.queue("orders");

  /** Reads, and writes if it should; every other method throws an error. */
  private static final class Failing implements MessageFormat {
    private final Error error;
    private final boolean writes;

    Failing(Error error, boolean writes) {
      this.error = error;
      this.writes = writes;
    }

    @Override
    public String name() {
      throw error;
    }

    @Override
    public Message read(ForeignRecord record) {
      return EngineFixture.ENVELOPE.read(record);
    }

    @Override
    public ForeignRecord write(Message message) {
      if (writes) {
        return EngineFixture.ENVELOPE.write(message);
      }
      throw error;
    }

    @Override
    public boolean alwaysFindsId() {
      return true;
    }

    @Override
    public Optional<String> orderingKey(ForeignRecord record) {
      throw error;
    }

    @Override
    public boolean needs(String headerName) {
      throw error;
    }
  }

  private final Failing format = new Failing(new AssertionError("planted"), true);

  @Test
  void aRecordWhoseKeyCanNotBeFoundHasNoOrder() {
    ForeignRecord record = EngineFixture.wire("m", "k");
    assertThat(LaneKeys.of(EngineFixture.ENVELOPE, record)).isEqualTo("k");
    assertThat(LaneKeys.of(format, record)).isNull();
    Failing memory = new Failing(new OutOfMemoryError("planted"), true);
    assertThatThrownBy(() -> LaneKeys.of(memory, record)).isInstanceOf(OutOfMemoryError.class);
  }

  @Test
  void aMessageWhoseKeyCanNotBeFoundIsPublishedAndHandledInMemory() {
    VirtualTime time = VirtualTime.create();
    List<String> handled = new ArrayList<>();
    try (InMemoryTransport transport = InMemoryTransport.builder().runtime(time).build()) {
      transport.declare(DestinationConfig.builder(ORDERS).format(nameless()).build());
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(ORDERS).build(),
              delivery -> {
                handled.add(delivery.message().id());
                return Settlement.done();
              });
      assertThat(
              transport
                  .publisher()
                  .publish(ORDERS, Message.builder("t").id("m").key("k").build())
                  .toCompletableFuture())
          .isCompleted();
      time.advance(Duration.ofSeconds(1));
    }
    assertThat(handled).containsExactly("m");
  }

  /** Fails for the key only: a format is compared by its name when it is declared. */
  private static MessageFormat nameless() {
    Failing failing = new Failing(new AssertionError("planted"), true);
    return new MessageFormat() {
      @Override
      public String name() {
        return "fails for keys";
      }

      @Override
      public Message read(ForeignRecord record) {
        return failing.read(record);
      }

      @Override
      public ForeignRecord write(Message message) {
        return failing.write(message);
      }

      @Override
      public boolean alwaysFindsId() {
        return true;
      }

      @Override
      public Optional<String> orderingKey(ForeignRecord record) {
        return failing.orderingKey(record);
      }
    };
  }

  @Test
  void aDeadLetterIsCutWithoutTheAnswerOfTheFormat() {
    EngineFixture fixture = new EngineFixture().format(format);
    fixture.start(fixture.config().build(), delivery -> Settlement.deadLetter("no"));
    fixture.refuseLettersOver(10);
    fixture.accept("m", "k");
    fixture.time().advance(Duration.ofSeconds(5));
    assertThat(fixture.engine().snapshot().isRoutePaused()).isFalse();
    assertThat(fixture.engine().health().reason())
        .isEqualTo("the dead-letter target refuses messages, which wait here: 1");
    fixture.refuseLettersOver(Integer.MAX_VALUE);
    fixture.time().advance(Duration.ofMinutes(1));
    assertThat(fixture.acknowledged()).containsExactly("m");
    Map<String, String> letter = fixture.deadLetters().get(0).texts();
    assertThat(letter).containsKeys("ce_id", "commslib-cut-headers");
  }

  @Test
  void aMessageThatItDoesNotWriteIsRefusedWithTheCode() {
    Declarations declared =
        new Declarations(
            new Declarations.Codes("A", "B", "C", "D"),
            1_000,
            EngineFixture.ENVELOPE,
            new DefaultSource("test", "/shop"));
    Failing silent = new Failing(new AssertionError("planted"), false);
    declared.add(DestinationConfig.builder(ORDERS).format(silent).build());
    assertThatThrownBy(() -> declared.write(ORDERS, Message.builder("t").build()))
        .isInstanceOf(PublishException.class)
        .hasMessageContaining("COMMS-CORE-026: the format " + Failing.class.getName());
  }
}
