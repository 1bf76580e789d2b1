package io.commslib.outbox;

import java.util.Locale;

/** A short name for failures of the same cause: code, destination and text without its numbers. */
final class Fingerprints {

  private Fingerprints() {}

  static String of(String code, String destination, String error) {
    String[] parts = {
      code,
      destination,
      error
          .toLowerCase(Locale.ROOT)
          .replaceAll("'[^']*'", "'?'")
          .replaceAll("[0-9a-f-]*[0-9][0-9a-f-]*", "#")
    };
    long hash = 0xcbf29ce484222325L;
    for (String part : parts) {
      for (int i = 0; i <= part.length(); i++) {
        hash = (hash ^ (i < part.length() ? part.charAt(i) : 0x1f)) * 0x100000001b3L;
      }
    }
    return String.format(Locale.ROOT, "%016x", hash);
  }
}
