package io.commslib.http;

import java.util.Locale;

/** Comparisons of media types; parameters such as a character set do not count. */
final class MediaTypes {

  private MediaTypes() {}

  static boolean isSame(String one, String other) {
    return essence(one).equals(essence(other));
  }

  /** Whether a codec of one type reads the other: the same, or its structured suffix. */
  static boolean isReadableAs(String received, String codec) {
    String type = essence(received);
    String known = essence(codec);
    int slash = known.indexOf('/');
    return type.equals(known) || (slash > 0 && type.endsWith("+" + known.substring(slash + 1)));
  }

  private static String essence(String type) {
    int parameters = type.indexOf(';');
    return (parameters < 0 ? type : type.substring(0, parameters)).strip().toLowerCase(Locale.ROOT);
  }
}
