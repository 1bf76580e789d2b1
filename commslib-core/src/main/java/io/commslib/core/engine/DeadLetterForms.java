package io.commslib.core.engine;

import io.commslib.core.Failures;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.wire.DeadLetterHeaders;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Smaller forms of a dead letter that its target refuses. The body and the attributes of the
 * message are never cut.
 */
final class DeadLetterForms {

  /** The cause keeps the fields that identify it, without texts and stack. */
  static final int CAUSE_CUT = 1;

  /** The application's headers are left out too; a field of the cause has their number. */
  static final int HEADERS_CUT = 2;

  private static final Set<String> SHORT_FIELDS =
      Set.of(
          "source",
          "group",
          "partition",
          "position",
          "key",
          "failed-at",
          "attempts",
          "redrive-count",
          "fingerprint");

  private static final int MAX_REASON_CHARS = 200;

  private DeadLetterForms() {}

  /**
   * Prepares another publish of a dead letter that was refused. Returns false if there is no
   * smaller form.
   */
  static boolean useSmallerForm(LaneEntry.History history) {
    history.deadLetter = null;
    history.pendingOutcome =
        AttemptOutcome.deadLetter(history.deadLetterCount, history.deadLetterReason);
    if (history.deadLetterForm >= HEADERS_CUT) {
      return false;
    }
    history.deadLetterForm++;
    return true;
  }

  static Map<String, String> cause(Map<String, String> whole, int form) {
    if (form < CAUSE_CUT) {
      return whole;
    }
    Map<String, String> cause = new LinkedHashMap<>();
    String reason = whole.getOrDefault("reason", "");
    cause.put("reason", reason.substring(0, Math.min(reason.length(), MAX_REASON_CHARS)));
    whole.forEach(
        (field, value) -> {
          if (SHORT_FIELDS.contains(field)) {
            cause.put(field, value);
          }
        });
    cause.put("cut", form == CAUSE_CUT ? "cause" : "cause, headers");
    return cause;
  }

  static ForeignRecord withoutHeaders(ForeignRecord whole, MessageFormat format) {
    Map<String, String> kept = new LinkedHashMap<>();
    int count = 0;
    int chars = 0;
    for (Map.Entry<String, String> header : whole.texts().entrySet()) {
      String name = header.getKey();
      if (name.startsWith(ForeignRecord.RESERVED_PREFIX) || needs(format, name)) {
        kept.put(name, header.getValue());
      } else {
        count++;
        chars += name.length() + header.getValue().length();
      }
    }
    kept.put(DeadLetterHeaders.CUT_HEADERS, count + " headers, " + chars + " characters");
    return whole.withTexts(kept);
  }

  /** A header about which the format fails is kept. */
  private static boolean needs(MessageFormat format, String name) {
    try {
      return format.needs(name);
    } catch (Throwable e) {
      if (Failures.isJvmFailure(e)) {
        throw e;
      }
      return true;
    }
  }
}
