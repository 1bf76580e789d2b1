package io.commslib.examples.shop.messages;

import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Creates ids that are the same in every run of the same file, so that feeding can be resumed. */
public final class ShopIds {

  private static final Pattern PLAIN = Pattern.compile("[\\x21-\\x7e]{1,100}");

  private ShopIds() {}

  /** Returns an id per invoice and repetition; long or non-ASCII invoice numbers are hashed. */
  public static String invoice(String number, int repetition) {
    return plain(number) + (repetition == 1 ? "" : "#" + repetition);
  }

  public static String message(String invoiceId) {
    return UUID.nameUUIDFromBytes(("storefront/" + invoiceId).getBytes(StandardCharsets.UTF_8))
        .toString();
  }

  /** Returns the ordering key of an invoice: its customer, or itself if it has none. */
  public static String key(@Nullable String customer, String invoiceId) {
    return plain(customer == null ? invoiceId : customer);
  }

  /** Returns text that is a valid key or id: short printable ASCII unchanged, other text hashed. */
  private static String plain(String text) {
    return PLAIN.matcher(text).matches()
        ? text
        : "h-" + UUID.nameUUIDFromBytes(text.getBytes(StandardCharsets.UTF_8));
  }
}
