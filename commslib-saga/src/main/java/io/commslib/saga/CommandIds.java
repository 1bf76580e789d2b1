package io.commslib.saga;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.UUID;

/**
 * Message ids of commands and compensations. An id is the same for every attempt and on every node,
 * so that a participant recognizes a repetition. Form: UUID version 8 (RFC 9562) of a SHA-256.
 */
final class CommandIds {

  private CommandIds() {}

  static String command(String sagaId, String step) {
    return hash(sagaId + "|" + step + "|do");
  }

  static String undo(String sagaId, String step, int round) {
    return hash(sagaId + "|" + step + "|undo|" + round);
  }

  private static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      ByteBuffer words = ByteBuffer.wrap(digest);
      long most = (words.getLong() & 0xffff_ffff_ffff_0fffL) | 0x8000L;
      long least = (words.getLong() & 0x3fff_ffff_ffff_ffffL) | 0x8000_0000_0000_0000L;
      return new UUID(most, least).toString();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
