package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommitMetadataTest {

  private static CommitMetadata metadata(int starts, int... finished) {
    BitSet bits = new BitSet();
    for (int bit : finished) {
      bits.set(bit);
    }
    return new CommitMetadata(starts, bits);
  }

  @Test
  void decodesWhatItEncoded() {
    Random random = new Random(1);
    for (int i = 0; i < 2_000; i++) {
      BitSet bits = new BitSet();
      int at = 1;
      for (int run = random.nextInt(200); run > 0; run--) {
        at += 1 + random.nextInt(random.nextBoolean() ? 3 : 5_000);
        int to = at + 1 + random.nextInt(300);
        bits.set(at, to);
        at = to;
      }
      CommitMetadata written = new CommitMetadata(random.nextInt(3), bits);
      long offset = random.nextLong() & Long.MAX_VALUE;
      assertThat(CommitMetadata.decode(offset, written.encode(offset))).isEqualTo(written);
    }
  }

  @Test
  void isEmptyWithoutStartsAndFinishedOffsets() {
    assertThat(metadata(0).encode(5)).isEmpty();
  }

  @Test
  void isValidOnlyForItsOffset() {
    String written = metadata(2, 3, 4).encode(10);
    assertThat(CommitMetadata.decode(10, written)).isEqualTo(metadata(2, 3, 4));
    assertThat(CommitMetadata.decode(11, written)).isEqualTo(CommitMetadata.none());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "by another tool", "commslib:1:", "commslib:1:!!", "commslib:2:AAAA"})
  void ignoresForeignMetadata(String metadata) {
    assertThat(CommitMetadata.decode(10, metadata)).isEqualTo(CommitMetadata.none());
  }

  @Test
  void detectsAChangeOfAnyCharacter() {
    String written = metadata(1, 2, 3, 9, 700).encode(10);
    for (int at = 0; at < written.length(); at++) {
      for (char c : "A1+/z=: ".toCharArray()) {
        String changed = written.substring(0, at) + c + written.substring(at + 1);
        CommitMetadata read = CommitMetadata.decode(10, changed);
        // The last character of Base64 has spare bits: another one may decode to the same bytes.
        assertThat(read.equals(CommitMetadata.none()) || read.equals(metadata(1, 2, 3, 9, 700)))
            .as(changed)
            .isTrue();
      }
      assertThat(CommitMetadata.decode(10, written.substring(0, at)))
          .isEqualTo(CommitMetadata.none());
    }
  }

  @Test
  void staysWithinTheBrokersLimit() {
    BitSet bits = new BitSet();
    for (int i = 2; i < 1_000_000; i += 300) {
      bits.set(i);
    }
    String written = new CommitMetadata(1, bits).encode(0);
    assertThat(written.length()).isLessThanOrEqualTo(4_096);
    CommitMetadata read = CommitMetadata.decode(0, written);
    assertThat(read.starts()).isEqualTo(1);
    read.finished().stream().forEach(bit -> assertThat(bits.get(bit)).isTrue());
    assertThat(read.finished().cardinality()).isGreaterThan(500);
  }
}
