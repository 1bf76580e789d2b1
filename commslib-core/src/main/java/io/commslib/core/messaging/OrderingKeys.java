package io.commslib.core.messaging;

import io.commslib.core.checks.Utf8;
import io.commslib.core.hash.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Text forms of ordering keys for lanes, stores and dead letters. They are equal only for equal
 * keys, have at most 256 characters and no control characters. A key that is such a text is its own
 * form. Any other key becomes {@code hex:<bytes>} or, if it is long, {@code sha256:<digest>}. For
 * adapters. Thread-safe.
 */
public final class OrderingKeys {

  private static final int MAX_CHARS = 256;
  private static final int MAX_HEX_BYTES = 64;
  private static final String HEX = "hex:";
  private static final String HASHED = "sha256:";

  private OrderingKeys() {}

  /**
   * Returns the form of a key that was received as bytes.
   *
   * @param key the received bytes
   * @return the key itself if it is such a text in UTF-8, or else its form
   */
  public static String of(byte[] key) {
    String text = new String(key, StandardCharsets.UTF_8);
    if (isOwnForm(text) && Utf8.isValid(key, text)) {
      return text;
    }
    return key.length <= MAX_HEX_BYTES
        ? HEX + HexFormat.of().formatHex(key)
        : HASHED + Sha256.of(key);
  }

  /**
   * Returns the form of a key that was received as text.
   *
   * @param key the received text
   * @return the key itself, or its form
   */
  public static String of(String key) {
    if (isOwnForm(key) && isWellFormed(key)) {
      return key;
    }
    return isWellFormed(key)
        ? of(key.getBytes(StandardCharsets.UTF_8))
        : HASHED + Sha256.ofTexts('o', key);
  }

  /**
   * Returns the key in the form of {@link io.commslib.core.messaging.Message#key()}.
   *
   * @param key the received bytes
   * @param form form of the key, from {@link #of(byte[])}
   * @return the key, or null if it is not a text that a message can have as its key
   */
  public static @Nullable String text(byte[] key, String form) {
    if (isOwnForm(form)) {
      return form;
    }
    String text = new String(key, StandardCharsets.UTF_8);
    return isShortText(text) && Utf8.isValid(key, text) ? text : null;
  }

  /**
   * Returns the key of a message for a text that another program gave as the key.
   *
   * @param text any text
   * @return the text itself if {@link Message.Builder#key} accepts it, or else its form
   */
  public static String messageKey(String text) {
    return isShortText(text) && isWellFormed(text) ? text : of(text);
  }

  private static boolean isOwnForm(String text) {
    return isShortText(text) && !text.startsWith(HEX) && !text.startsWith(HASHED);
  }

  private static boolean isShortText(String text) {
    boolean good = !text.isEmpty() && text.length() <= MAX_CHARS;
    for (int i = 0; good && i < text.length(); i++) {
      good = text.charAt(i) >= 0x20 && text.charAt(i) != 0x7f;
    }
    return good;
  }

  private static boolean isWellFormed(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        boolean pair =
            Character.isHighSurrogate(c)
                && i + 1 < text.length()
                && Character.isLowSurrogate(text.charAt(i + 1));
        if (!pair) {
          return false;
        }
        i++;
      }
    }
    return true;
  }
}
