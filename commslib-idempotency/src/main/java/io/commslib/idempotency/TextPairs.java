package io.commslib.idempotency;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Names and values as text that can be appended to; the last value of a name wins. */
final class TextPairs {

  private TextPairs() {}

  static String write(String name, String value) {
    return escape(name) + '=' + escape(value) + '&';
  }

  static String write(Map<String, String> pairs) {
    StringBuilder text = new StringBuilder();
    pairs.forEach((name, value) -> text.append(write(name, value)));
    return text.toString();
  }

  static Map<String, String> read(String text) {
    Map<String, String> pairs = new LinkedHashMap<>();
    int from = 0;
    while (from < text.length()) {
      int middle = text.indexOf('=', from);
      int end = text.indexOf('&', middle);
      pairs.put(unescape(text.substring(from, middle)), unescape(text.substring(middle + 1, end)));
      from = end + 1;
    }
    return pairs;
  }

  private static String escape(String plain) {
    return URLEncoder.encode(plain, StandardCharsets.UTF_8);
  }

  private static String unescape(String escaped) {
    return URLDecoder.decode(escaped, StandardCharsets.UTF_8);
  }
}
