package io.commslib.examples.shop.storefront;

import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.regex.Pattern;

/** Creates ids that are the same in every run of the same file, so that feeding can be resumed. */
final class ShopIds {

  private static final Pattern PLAIN = Pattern.compile("[\\x21-\\x7e]{1,100}");

  private ShopIds() {}

  /** Returns an id per invoice and repetition; long or non-ASCII invoice numbers are hashed. */
  static String invoice(String number, int repetition) {
    return plain(number) + (repetition == 1 ? "" : "#" + repetition);
  }

  static String message(String invoiceId) {
    return UUID.nameUUIDFromBytes(("storefront/" + invoiceId).getBytes(StandardCharsets.UTF_8))
        .toString();
  }

  /** Returns text that is a valid key or id: short printable ASCII unchanged, other text hashed. */
  static String plain(String text) {
    return PLAIN.matcher(text).matches()
        ? text
        : "h-" + UUID.nameUUIDFromBytes(text.getBytes(StandardCharsets.UTF_8));
  }
}
