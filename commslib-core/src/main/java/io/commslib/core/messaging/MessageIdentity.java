package io.commslib.core.messaging;

import io.commslib.core.hash.Sha256;

/**
 * The texts under which a message is stored and compared. They have at most {@value #MAX_CHARS}
 * characters and no control characters, so that every store accepts them. There are three forms,
 * which never equal each other:
 *
 * <ul>
 *   <li>{@code <id> <source>}: the identity. An id has no blank, so the first blank separates.
 *   <li>{@code <key>}: an idempotency key that the application has set. It has no blank.
 *   <li>{@code sha256:<64 hexadecimal digits>}: the hash of either form, if it does not fit.
 * </ul>
 */
final class MessageIdentity {

  static final int MAX_CHARS = 400;

  private static final String HASHED = "sha256:";
  private static final char ID_AND_SOURCE = 'm';
  private static final char IDEMPOTENCY_KEY = 'k';
  private static final char REFERENCE = 'r';
  private static final int MAX_REFERENCE_CHARS = 128;

  private MessageIdentity() {}

  static String of(String id, String source) {
    return isWord(id) && isText(source) && id.length() + 1 + source.length() <= MAX_CHARS
        ? id + ' ' + source
        : HASHED + Sha256.ofTexts(ID_AND_SOURCE, id, source);
  }

  static String ofIdempotencyKey(String key) {
    return isWord(key) && key.length() <= MAX_CHARS && !key.startsWith(HASHED)
        ? key
        : HASHED + Sha256.ofTexts(IDEMPOTENCY_KEY, key);
  }

  /**
   * The form of another message's id in a causation or correlation id: the id itself if it fits.
   */
  static String ofReference(String id) {
    return isWord(id) && id.length() <= MAX_REFERENCE_CHARS
        ? id
        : HASHED + Sha256.ofTexts(REFERENCE, id);
  }

  private static boolean isWord(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c <= 0x20 || c >= 0x7f) {
        return false;
      }
    }
    return !text.isEmpty();
  }

  private static boolean isText(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < 0x20 || c == 0x7f || Character.isSurrogate(c)) {
        return false;
      }
    }
    return true;
  }
}
