package io.commslib.core.format;

import io.commslib.core.messaging.OrderingKeys;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** Writes keys of messages as keys of records. */
final class RecordKeys {

  private static final String HEX = "hex:";

  private RecordKeys() {}

  /** {@return the bytes of a key; of a key that was received as bytes, the received ones} */
  static byte[] bytes(String key) {
    if (key.startsWith(HEX)) {
      try {
        byte[] bytes = HexFormat.of().parseHex(key.substring(HEX.length()));
        if (OrderingKeys.of(bytes).equals(key)) {
          return bytes;
        }
      } catch (IllegalArgumentException e) {
        // A text of the application that only looks like the form.
        return key.getBytes(StandardCharsets.UTF_8);
      }
    }
    return key.getBytes(StandardCharsets.UTF_8);
  }
}
