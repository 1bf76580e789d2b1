package io.commslib.outbox;

import io.commslib.core.hash.Fnv1a;
import java.util.Locale;

/**
 * Fingerprints of failures: equal for failures with the same code, destination and text, numbers
 * and quoted values aside. They are stored with parked messages and never change.
 */
final class Fingerprints {

  private Fingerprints() {}

  static String of(String code, String destination, String error) {
    String text =
        error
            .toLowerCase(Locale.ROOT)
            .replaceAll("'[^']*'", "'?'")
            .replaceAll("[0-9a-f-]*[0-9][0-9a-f-]*", "#");
    return String.format(Locale.ROOT, "%016x", Fnv1a.hash64OfTexts(code, destination, text));
  }
}
