package io.commslib.core.messaging;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class OrderingKeysTest {

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void aTextIsItsOwnForm() {
    for (String key : new String[] {"customer-7", "ä 漢 \uD83D\uDE00", "\uFFFD", "x".repeat(256)}) {
      assertThat(OrderingKeys.of(bytes(key))).isEqualTo(key).isEqualTo(OrderingKeys.of(key));
      assertThat(OrderingKeys.text(bytes(key), OrderingKeys.of(bytes(key)))).isEqualTo(key);
    }
  }

  @Test
  void aKeyThatIsNotTextHasAFormDifferentFromEveryText() {
    byte[] number = ByteBuffer.allocate(8).putLong(7).array();
    assertThat(OrderingKeys.of(number)).isEqualTo("hex:0000000000000007");
    assertThat(OrderingKeys.text(number, OrderingKeys.of(number))).isNull();
    assertThat(OrderingKeys.of("hex:0000000000000007"))
        .isEqualTo("hex:6865783a30303030303030303030303030303037")
        .isNotEqualTo(OrderingKeys.of(number));
    assertThat(OrderingKeys.text(bytes("hex:00"), OrderingKeys.of("hex:00"))).isEqualTo("hex:00");
    assertThat(OrderingKeys.of(new byte[0])).isEqualTo("hex:");
    assertThat(OrderingKeys.of("sha256:" + "0".repeat(64))).startsWith("sha256:");
    assertThat(OrderingKeys.of("x".repeat(257))).startsWith("sha256:").hasSize(71);
  }

  @Test
  void differentKeysHaveDifferentForms() {
    SplittableRandom random = new SplittableRandom(1);
    Map<String, ByteBuffer> seen = new HashMap<>();
    String[] texts = {"hex:", "sha256:", "a", "\uFFFD", "\u0001", "\uD83D\uDE00"};
    for (int i = 0; i < 20_000; i++) {
      byte[] key = new byte[random.nextInt(0, 80)];
      random.nextBytes(key);
      if (random.nextBoolean()) {
        key = bytes(texts[random.nextInt(texts.length)] + random.nextInt(50));
      }
      String form = OrderingKeys.of(key);
      assertThat(form.length()).isLessThanOrEqualTo(256);
      assertThat(form.chars()).allMatch(c -> c >= 0x20 && c != 0x7f);
      ByteBuffer before = seen.putIfAbsent(form, ByteBuffer.wrap(key));
      assertThat(before == null || before.equals(ByteBuffer.wrap(key))).as(form).isTrue();
    }
  }

  @Test
  void unpairedSurrogatesHaveDifferentForms() {
    assertThat(OrderingKeys.of("a\uD83D")).isNotEqualTo(OrderingKeys.of("a\uD83E"));
  }
}
