package io.commslib.http.server;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Decodes percent-encoded texts strictly: what is malformed is refused and never guessed. */
final class PercentCoding {

  /** Bounds the work for one query; further parameters make it malformed. */
  private static final int MAX_PARAMETERS = 256;

  private PercentCoding() {}

  /**
   * Returns the decoded text, or null if it is malformed: a wrong escape, bytes that are not UTF-8,
   * or a control character, which could break a log line or a header.
   */
  static @Nullable String decode(String text, boolean plusIsSpace) {
    if (text.indexOf('%') < 0 && !(plusIsSpace && text.indexOf('+') >= 0)) {
      return hasControl(text) ? null : text;
    }
    ByteBuffer bytes = ByteBuffer.allocate(text.length() * 3);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '%') {
        boolean isWhole = i + 2 < text.length();
        int high = isWhole ? Character.digit(text.charAt(i + 1), 16) : -1;
        int low = isWhole ? Character.digit(text.charAt(i + 2), 16) : -1;
        if (high < 0 || low < 0) {
          return null;
        }
        bytes.put((byte) (high << 4 | low));
        i += 2;
      } else if (c == '+' && plusIsSpace) {
        bytes.put((byte) ' ');
      } else {
        bytes.put(String.valueOf(c).getBytes(StandardCharsets.UTF_8));
      }
    }
    try {
      String decoded = StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
      return hasControl(decoded) ? null : decoded;
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  private static boolean hasControl(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isISOControl(text.charAt(i))) {
        return true;
      }
    }
    return false;
  }

  /** Returns the first value of each parameter. */
  static Map<String, String> query(String raw) {
    Map<String, String> parsed = new HashMap<>();
    if (raw.isEmpty()) {
      return parsed;
    }
    String[] parts = raw.split("&", MAX_PARAMETERS + 1);
    if (parts.length > MAX_PARAMETERS) {
      throw new ProblemException(ServerProblems.malformedQuery());
    }
    for (String part : parts) {
      int equals = part.indexOf('=');
      String name = decode(equals < 0 ? part : part.substring(0, equals), true);
      String value = equals < 0 ? "" : decode(part.substring(equals + 1), true);
      if (name == null || value == null) {
        throw new ProblemException(ServerProblems.malformedQuery());
      }
      parsed.putIfAbsent(name, value);
    }
    return parsed;
  }
}
