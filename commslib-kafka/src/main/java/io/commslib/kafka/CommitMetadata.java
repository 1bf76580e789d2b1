package io.commslib.kafka;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.BitSet;
import java.util.zip.CRC32;

/**
 * The metadata of a committed offset: the number of assignments that started to handle the offset
 * and did not finish it, and the later offsets that are finished already. Written as {@code
 * commslib:1:} and the Base64 form of a checksum, the number of starts, and run lengths of
 * unfinished and finished offsets in turns. The checksum includes the offset, so that metadata is
 * valid only for the offset it was written for. Metadata in any other form is read as {@link
 * #none}.
 *
 * @param starts assignments that began to handle this offset and did not finish it
 * @param finished bit i: the committed offset + i is finished; bit 0 is never set
 */
record CommitMetadata(int starts, BitSet finished) {

  /** Kafka's default limit of commit metadata is 4,096 bytes. */
  static final int MAX_CHARS = 4_000;

  private static final String PREFIX = "commslib:1:";
  private static final int MAX_BYTES = (MAX_CHARS - PREFIX.length()) / 4 * 3;
  private static final int CHECKSUM_BYTES = 8;
  private static final int MAX_STARTS = 1_000_000;
  private static final int MAX_SPAN = 10_000_000;

  static CommitMetadata none() {
    return new CommitMetadata(0, new BitSet());
  }

  /** Encodes the metadata; the farthest finished offsets are left out if they exceed the limit. */
  String encode(long offset) {
    if (starts == 0 && finished.isEmpty()) {
      return "";
    }
    ByteArrayOutputStream runs = new ByteArrayOutputStream(64);
    writeNumber(runs, starts);
    int at = 0;
    while (true) {
      int from = finished.nextSetBit(at);
      if (from < 0 || runs.size() > MAX_BYTES - CHECKSUM_BYTES - 10) {
        break;
      }
      int to = finished.nextClearBit(from);
      writeNumber(runs, from - at);
      writeNumber(runs, to - from);
      at = to;
    }
    byte[] body = runs.toByteArray();
    byte[] bytes =
        ByteBuffer.allocate(CHECKSUM_BYTES + body.length)
            .putLong(checksum(offset, body, 0))
            .put(body)
            .array();
    return PREFIX + Base64.getEncoder().withoutPadding().encodeToString(bytes);
  }

  static CommitMetadata decode(long offset, String metadata) {
    if (!metadata.startsWith(PREFIX) || metadata.length() > MAX_CHARS) {
      return none();
    }
    byte[] bytes;
    try {
      bytes = Base64.getDecoder().decode(metadata.substring(PREFIX.length()));
    } catch (IllegalArgumentException e) {
      return none();
    }
    if (bytes.length <= CHECKSUM_BYTES
        || ByteBuffer.wrap(bytes).getLong() != checksum(offset, bytes, CHECKSUM_BYTES)) {
      return none();
    }
    return read(new Numbers(bytes, CHECKSUM_BYTES));
  }

  private static CommitMetadata read(Numbers numbers) {
    int starts = numbers.next();
    BitSet finished = new BitSet();
    long at = 0;
    while (numbers.hasNext()) {
      long from = at + numbers.next();
      long to = from + numbers.next();
      if (numbers.broken || from < 1 || to <= from || to > MAX_SPAN) {
        return none();
      }
      finished.set((int) from, (int) to);
      at = to;
    }
    return numbers.broken || starts > MAX_STARTS ? none() : new CommitMetadata(starts, finished);
  }

  private static long checksum(long offset, byte[] bytes, int from) {
    CRC32 crc = new CRC32();
    crc.update(ByteBuffer.allocate(Long.BYTES).putLong(offset).array());
    crc.update(bytes, from, bytes.length - from);
    return crc.getValue();
  }

  /** Seven bits a byte, the low ones first; the high bit marks that another byte follows. */
  private static void writeNumber(ByteArrayOutputStream out, int number) {
    int rest = number;
    while (rest >= 0x80) {
      out.write(rest & 0x7f | 0x80);
      rest >>>= 7;
    }
    out.write(rest);
  }

  /** Reads such numbers; after an invalid one every further number is 0. */
  private static final class Numbers {
    private final byte[] bytes;
    private int at;
    private boolean broken;

    Numbers(byte[] bytes, int at) {
      this.bytes = bytes;
      this.at = at;
    }

    boolean hasNext() {
      return !broken && at < bytes.length;
    }

    int next() {
      int number = 0;
      for (int shift = 0; shift < 28; shift += 7) {
        if (broken || at >= bytes.length) {
          break;
        }
        byte one = bytes[at++];
        number |= (one & 0x7f) << shift;
        if (one >= 0) {
          return number;
        }
      }
      broken = true;
      return 0;
    }
  }
}
