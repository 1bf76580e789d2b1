package io.commslib.core.checks;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Recognises text in UTF-8. Decoding replaces invalid bytes, so that they can't be seen in it. */
public final class Utf8 {

  private Utf8() {}

  /**
   * Returns whether bytes are valid UTF-8. Decoding replaces invalid bytes by U+FFFD, which a valid
   * text may also contain.
   *
   * @param bytes the bytes
   * @param decoded the bytes as decoded by the JDK
   * @return whether encoding the text yields the bytes again
   */
  public static boolean isValid(byte[] bytes, String decoded) {
    return decoded.indexOf('\uFFFD') < 0
        || Arrays.equals(decoded.getBytes(StandardCharsets.UTF_8), bytes);
  }

  /**
   * Decodes bytes.
   *
   * @param bytes the bytes
   * @return the text; invalid bytes are replaced by U+FFFD
   */
  public static String decode(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
