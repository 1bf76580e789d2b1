package io.commslib.core.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Letters whose format fails; a listing must show them and go on. */
class DeadLetterHeadersTest {

  private static final ForeignRecord LETTER =
      DeadLetterHeaders.add(
          ForeignRecord.builder().body(new byte[] {1}).build(),
          Map.of("reason", "R", "position", "orders-0@7"));

  private record Failing(Supplier<Error> failure) implements MessageFormat {
    @Override
    public String name() {
      return "failing";
    }

    @Override
    public Message read(ForeignRecord record) {
      throw failure.get();
    }

    @Override
    public ForeignRecord write(Message message) {
      throw failure.get();
    }

    @Override
    public boolean alwaysFindsId() {
      return true;
    }
  }

  @Test
  void aLetterWhoseFormatFailsWithAnErrorIsListedWithoutItsMessage() {
    DeadLetter letter = DeadLetterHeaders.read(LETTER, new Failing(StackOverflowError::new));

    assertThat(letter.message()).isEmpty();
    assertThat(letter.messageId()).isEqualTo("orders-0@7");
    assertThat(letter.cause()).containsEntry("reason", "R");
  }

  @Test
  void anErrorOfTheJvmIsThrownOn() {
    assertThatThrownBy(() -> DeadLetterHeaders.read(LETTER, new Failing(OutOfMemoryError::new)))
        .isInstanceOf(OutOfMemoryError.class);
  }
}
