package io.commslib.core.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The grammar of a key; {@code IdempotentRequestsTest} has the malformed values with their rules.
 */
class IdempotencyKeyHeaderTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "abc|abc",
        "\"abc\"|abc",
        "  \"abc\"\t|abc",
        "\"a \\\"b\\\" \\\\\"|a \"b\" \\",
        "a\\b|a\\b",
        "a\"b|a\"b"
      })
  void parsesQuotedAndBareValues(String value, String key) {
    IdempotencyKeyHeader header = IdempotencyKeyHeader.parse(value);
    assertThat(header.isValid()).isTrue();
    assertThat(header.key()).isEqualTo(key);
    assertThatIllegalStateException().isThrownBy(header::reason);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\"secret", "\"secret\"x", "secr\u00e9t", "\"secr\u0000et\""})
  void aMalformedValueHasAReasonThatDoesNotRepeatIt(String value) {
    IdempotencyKeyHeader header = IdempotencyKeyHeader.parse(value);
    assertThat(header.isValid()).isFalse();
    assertThat(header.reason()).endsWith(".").doesNotContain("secr");
    assertThat(header.toString()).doesNotContain("secr");
    assertThatIllegalStateException().isThrownBy(header::key);
  }

  @ParameterizedTest
  @ValueSource(strings = {"abc", "\"", "\\", " a\\\"b ", "8e03978e-40d5-43e8-bc93-6894a57f9324"})
  void aFormattedKeyIsParsedAsTheSameKey(String key) {
    String value = IdempotencyKeyHeader.format(key);
    assertThat(value).startsWith("\"").endsWith("\"");
    assertThat(IdempotencyKeyHeader.parse(value).key()).isEqualTo(key);
    assertThat(IdempotencyKeyHeader.format("k".repeat(255))).hasSize(257);
  }

  @Test
  void formatsOnlyValidKeys() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IdempotencyKeyHeader.format(""))
        .withMessage("key length: 0 (expected: 1..255)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IdempotencyKeyHeader.format("k".repeat(256)))
        .withMessage("key length: 256 (expected: 1..255)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IdempotencyKeyHeader.format("a\r\nb"))
        .withMessageContaining("printable ASCII");
  }
}
