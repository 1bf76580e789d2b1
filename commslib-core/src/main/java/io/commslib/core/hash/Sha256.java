package io.commslib.core.hash;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * SHA-256 of texts and bytes, as 64 hexadecimal digits. For the library's stores and adapters.
 * Thread-safe.
 */
public final class Sha256 {

  private Sha256() {}

  /**
   * Hashes a list of texts so that only equal lists have equal hashes: the length and the UTF-16
   * units of each text are hashed.
   *
   * @param domain distinguishes hashes of different purposes
   * @param parts the texts
   * @return 64 hexadecimal digits
   */
  public static String ofTexts(char domain, String... parts) {
    MessageDigest digest = digest();
    digest.update(ByteBuffer.allocate(Character.BYTES).putChar(0, domain));
    for (String part : parts) {
      ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES + Character.BYTES * part.length());
      bytes.putInt(part.length());
      bytes.asCharBuffer().put(part);
      digest.update(bytes.rewind().limit(bytes.capacity()));
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /**
   * Hashes bytes.
   *
   * @param bytes the bytes
   * @return 64 hexadecimal digits
   */
  public static String of(byte[] bytes) {
    return HexFormat.of().formatHex(digest().digest(bytes));
  }

  private static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("SHA-256 (expected: in every JVM)", e);
    }
  }
}
