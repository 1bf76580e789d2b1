package io.commslib.grpc;

import io.commslib.core.call.CallContext;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Baggage as W3C writes it: entries separated by commas, with percent-encoded values. */
final class BaggageText {

  private static final String HEX = "0123456789ABCDEF";

  /** Printable ASCII without the separators of the list and the percent sign. */
  private static final String RESERVED = "\",;\\%= ";

  /** A server takes 8 KiB of metadata by default, which are not only for baggage. */
  static final int MAX_CHARS = 4_096;

  private BaggageText() {}

  /** Entries beyond {@link #MAX_CHARS} are left out: they must not make a call impossible. */
  static String write(Map<String, String> entries) {
    StringBuilder list = new StringBuilder();
    entries.forEach(
        (name, value) -> {
          int before = list.length();
          list.append(list.isEmpty() ? "" : ",");
          encode(name, list);
          list.append('=');
          encode(value, list);
          if (list.length() > MAX_CHARS) {
            list.setLength(before);
          }
        });
    return list.toString();
  }

  private static void encode(String text, StringBuilder to) {
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      if (b > ' ' && b < 0x7f && RESERVED.indexOf(b) < 0) {
        to.append((char) b);
      } else {
        to.append('%').append(HEX.charAt((b >> 4) & 15)).append(HEX.charAt(b & 15));
      }
    }
  }

  /** Adds the entries of a list. What is malformed is left out, since baggage decides nothing. */
  static CallContext read(CallContext context, Iterable<String> lists) {
    CallContext all = context;
    int entries = 0;
    for (String list : lists) {
      for (String member : list.split(",", CallContext.MAX_BAGGAGE_ENTRIES + 1)) {
        if (entries++ < CallContext.MAX_BAGGAGE_ENTRIES) {
          all = withEntry(all, member);
        }
      }
    }
    return all;
  }

  /** The properties of an entry, after a semicolon, are left out. */
  private static CallContext withEntry(CallContext context, String member) {
    int end = member.indexOf(';');
    String entry = end < 0 ? member : member.substring(0, end);
    int equals = entry.indexOf('=');
    String name = equals < 0 ? null : decode(entry.substring(0, equals).strip());
    String value = equals < 0 ? null : decode(entry.substring(equals + 1).strip());
    if (name == null || value == null) {
      return context;
    }
    try {
      return context.withBaggage(name, value);
    } catch (IllegalArgumentException e) {
      return context;
    }
  }

  private static @Nullable String decode(String text) {
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
      } else {
        bytes.put(String.valueOf(c).getBytes(StandardCharsets.UTF_8));
      }
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }
}
