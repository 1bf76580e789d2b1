package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.CodecException;
import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.TransportException;
import io.commslib.core.wire.DefaultSource;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class DeclarationsTest {

  private static final Destination PLAIN = Destination.topic("plain");
  private static final Destination OTHER = Destination.topic("other");
  private static final Message MESSAGE = Message.builder("t").id("m").body(new byte[] {1}).build();

  private static Declarations declared(Function<Message, ForeignRecord> write) {
    Declarations declared =
        new Declarations(
            new Declarations.Codes("A", "B", "C", "D"),
            1_000,
            EngineFixture.ENVELOPE,
            new DefaultSource("test", "/shop"));
    declared.add(DestinationConfig.builder(PLAIN).format(new Writing(write)).build());
    declared.add(DestinationConfig.builder(OTHER).build());
    return declared;
  }

  private record Writing(Function<Message, ForeignRecord> write) implements MessageFormat {
    @Override
    public String name() {
      return "writing";
    }

    @Override
    public Message read(ForeignRecord record) {
      throw new CodecException("X", "not read here", null);
    }

    @Override
    public ForeignRecord write(Message message) {
      return write.apply(message);
    }

    @Override
    public boolean alwaysFindsId() {
      return true;
    }
  }

  @Test
  void aDestinationHasItsOwnFormatAndOthersThatOfTheTransport() {
    Declarations declared = declared(message -> ForeignRecord.builder().build());

    assertThat(declared.format(PLAIN).name()).isEqualTo("writing");
    assertThat(declared.format(OTHER)).isSameAs(EngineFixture.ENVELOPE);
    assertThat(declared.format(Destination.topic("undeclared"))).isSameAs(EngineFixture.ENVELOPE);
  }

  @Test
  void aFormatGetsTheSourceOfTheTransport() {
    Declarations declared =
        declared(message -> ForeignRecord.builder().header("source", message.source()).build());

    assertThat(declared.write(PLAIN, MESSAGE).texts()).containsEntry("source", "/shop");
  }

  @Test
  void whatAFormatCannotWriteIsRefusedAsNotSentForGood() {
    Declarations declared =
        declared(
            message -> {
              throw new CodecException("COMMS-X-001", "type: t (expected: order)", null);
            });

    PublishException refused =
        catchThrowableOfType(PublishException.class, () -> declared.write(PLAIN, MESSAGE));

    assertThat(refused.code()).isEqualTo("COMMS-X-001");
    assertThat(refused.kind()).isEqualTo(FailureKind.PERMANENT);
    assertThat(refused.certainty()).isEqualTo(SendCertainty.NOT_SENT);
    assertThat(refused)
        .hasMessageStartingWith("COMMS-X-001: type: t (expected: order) (NOT_SENT, topic:plain");
  }

  @Test
  void anOutageOfAFormatPassesAndConsumesNothing() {
    Declarations declared =
        declared(
            message -> {
              throw new IllegalStateException(
                  new TransportException("X", FailureKind.TRANSIENT, "registry is down", null));
            });

    PublishException refused =
        catchThrowableOfType(PublishException.class, () -> declared.write(PLAIN, MESSAGE));

    assertThat(refused.code()).isEqualTo("COMMS-CORE-026");
    assertThat(refused.kind()).isEqualTo(FailureKind.TRANSIENT);
    assertThat(refused.certainty()).isEqualTo(SendCertainty.NOT_SENT);
  }

  @Test
  void aRecordOverTheLimitIsRefusedAlthoughItsMessageIsNot() {
    Declarations declared =
        declared(message -> ForeignRecord.builder().body(new byte[1_001]).build());

    assertThat(declared.refusal(PLAIN, MESSAGE)).isEmpty();
    assertThatThrownBy(() -> declared.write(PLAIN, MESSAGE))
        .isInstanceOfSatisfying(
            PublishException.class,
            refused -> assertThat(refused.kind()).isEqualTo(FailureKind.PERMANENT))
        .hasMessageStartingWith(
            "B: message bytes: 1001 (expected: 0..1000, maxMessageBytes of the");
  }

  @Test
  void anyOtherFailureOfAFormatIsRefusedToo() {
    for (Throwable failure :
        new Throwable[] {new IllegalStateException("broken"), new AssertionError("broken")}) {
      Declarations declared =
          declared(
              message -> {
                throw sneaky(failure);
              });

      assertThatThrownBy(() -> declared.write(PLAIN, MESSAGE))
          .isInstanceOfSatisfying(
              PublishException.class,
              refused -> {
                assertThat(refused.code()).isEqualTo("COMMS-CORE-026");
                assertThat(refused.certainty()).isEqualTo(SendCertainty.NOT_SENT);
              })
          .hasMessageContaining("COMMS-CORE-026: the format writing failed to write the message: ")
          .hasMessageContaining("broken");
    }
    assertThatThrownBy(() -> declared(message -> null).write(PLAIN, MESSAGE))
        .hasMessageContaining("COMMS-CORE-026")
        .hasMessageContaining("returned null");
  }

  @Test
  void anErrorOfTheJvmIsNotTakenForAMessageThatCannotBeWritten() {
    Declarations declared =
        declared(
            message -> {
              throw new OutOfMemoryError("heap");
            });

    assertThatThrownBy(() -> declared.write(PLAIN, MESSAGE)).isInstanceOf(OutOfMemoryError.class);
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> RuntimeException sneaky(Throwable failure) throws T {
    throw (T) failure;
  }
}
