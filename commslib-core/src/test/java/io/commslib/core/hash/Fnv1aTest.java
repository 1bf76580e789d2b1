package io.commslib.core.hash;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The values are stored in tables. They never change. */
class Fnv1aTest {

  @ParameterizedTest
  @CsvSource({
    "'', 811c9dc5, cbf29ce484222325",
    "a, e40c292c, af63dc4c8601ec8c",
    "foobar, bf9cf968, 85944171f73967e8"
  })
  void hashesOfBytesAreThoseOfTheSpecification(String text, String hash32, String hash64) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    assertThat(Integer.toHexString(Fnv1a.hash32(bytes))).isEqualTo(hash32);
    assertThat(Long.toHexString(Fnv1a.hash64(bytes))).isEqualTo(hash64);
  }

  @Test
  void hashesOfTextsStay() {
    assertThat(Long.toHexString(Fnv1a.hash64OfTexts())).isEqualTo("cbf29ce484222325");
    assertThat(Long.toHexString(Fnv1a.hash64OfTexts(""))).isEqualTo("af63d24c8601db8e");
    assertThat(Long.toHexString(Fnv1a.hash64OfTexts("a", "b"))).isEqualTo("e8bcb18230513c4a");
    assertThat(Long.toHexString(Fnv1a.hash64OfTexts("caf\u00e9 \ud83d\ude00")))
        .isEqualTo("ebd2a6dcaa19f2ea");
  }

  @Test
  void aTextHashesAsItsBytesAndASeparator() {
    byte[] bytes = "a\u001fb\u001f".getBytes(StandardCharsets.UTF_8);
    assertThat(Fnv1a.hash64OfTexts("a", "b")).isEqualTo(Fnv1a.hash64(bytes));
  }
}
