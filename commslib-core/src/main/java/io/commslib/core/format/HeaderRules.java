package io.commslib.core.format;

import io.commslib.core.checks.Utf8;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.HeaderTexts;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.RecordHeader;
import org.jspecify.annotations.Nullable;

/** Reads headers of records, and decides which can be headers of a message. */
final class HeaderRules {

  private static final int MAX_NAME_CHARS = 100;

  private HeaderRules() {}

  /** {@return whether a message can have a header; the rules are those of its builder} */
  static boolean fits(String name, String value) {
    // Most names that do not fit are found without an exception.
    if (name.isEmpty() || name.length() > MAX_NAME_CHARS) {
      return false;
    }
    try {
      Message.builder("t").header(name, value);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  static boolean isText(HeaderTexts headers, int at) {
    return !(headers.raw(at) instanceof byte[] bytes) || Utf8.isValid(bytes, Utf8.decode(bytes));
  }

  /** {@return the first header of a name as text; null if there is none or it is not UTF-8} */
  static @Nullable String text(ForeignRecord record, String name) {
    HeaderTexts texts = record.texts();
    int at = texts.find(name);
    if (at < 0) {
      return null;
    }
    String value = texts.value(at);
    if (value.indexOf('\uFFFD') < 0) {
      return value;
    }
    for (RecordHeader header : record.headers()) {
      if (header.name().equals(name)) {
        return header.text().orElse(null);
      }
    }
    return value;
  }
}
