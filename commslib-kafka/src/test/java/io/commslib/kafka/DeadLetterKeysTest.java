package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.ForeignRecord;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The keys of letters that can't be read, in a compacted topic. */
class DeadLetterKeysTest {

  private static String key(String body) {
    ForeignRecord record = new ForeignRecord(null, Map.of(), body.getBytes(StandardCharsets.UTF_8));
    DeadLetter letter = new DeadLetter("t-0@7", null, Map.of("position", "t-0@7"));
    return new String(
        DeadLetterRecords.write("t.g.dlq", 0, record, letter).key(), StandardCharsets.UTF_8);
  }

  @Test
  void anUnreadableLetterReplacesItselfOnly() {
    assertThat(key("no json")).isEqualTo(key("no json")).startsWith("\n0\nt-0@7 ");
  }

  @Test
  void anUnreadableLetterOfARecreatedTopicDoesNotReplaceThatOfTheFormerOne() {
    assertThat(key("no json")).isNotEqualTo(key("no json either"));
  }
}
