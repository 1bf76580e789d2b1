package io.commslib.outbox;

import io.commslib.core.messaging.Message;
import java.time.DateTimeException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Decodes header text as {@link OutboxRow#headerText} writes it, in one pass without maps. */
final class RowHeaders {

  private static final String START = "ce_specversion:1.0\nce_id:";
  private static final String TYPE = "\nce_type:";

  private RowHeaders() {}

  /** Returns the message, or null if the text is not exactly as this release writes it. */
  static @Nullable Message read(OutboxRow row) {
    String text = row.headers();
    int type = text.indexOf(TYPE);
    if (!text.startsWith(START) || type < 0 || !text.endsWith("\n")) {
      return null;
    }
    int typeBegin = type + TYPE.length();
    try {
      Message.Builder builder =
          Message.builder(text.substring(typeBegin, text.indexOf('\n', typeBegin)));
      int begin = 0;
      while (begin < text.length()) {
        int end = text.indexOf('\n', begin);
        int colon = text.indexOf(':', begin);
        if (colon <= begin || colon > end) {
          return null;
        }
        if (!set(builder, text.substring(begin, colon), text.substring(colon + 1, end))) {
          return null;
        }
        begin = end + 1;
      }
      return builder.sharedBody(row.payload()).build();
    } catch (IllegalArgumentException | DateTimeException e) {
      return null;
    }
  }

  private static boolean set(Message.Builder builder, String name, String value) {
    switch (name) {
      case "ce_specversion", "ce_type" -> {
        // The builder has them.
      }
      case "ce_id" -> builder.id(value);
      case "ce_source" -> builder.source(value);
      case "ce_subject" -> builder.subject(value);
      case "ce_time" -> builder.time(Instant.parse(value));
      case "ce_partitionkey" -> builder.key(value);
      case "ce_dataversion" -> builder.version(Integer.parseInt(value));
      case "ce_correlationid" -> builder.correlationId(value);
      case "ce_causationid" -> builder.causationId(value);
      case "ce_traceparent" -> builder.traceparent(value);
      case "ce_tracestate" -> builder.tracestate(value);
      case "ce_expirytime" -> builder.expiry(Instant.parse(value));
      case "ce_deliverat" -> builder.deliverAt(Instant.parse(value));
      case "ce_idempotencykey" -> builder.idempotencyKey(value);
      case "content-type" -> builder.contentType(value);
      default -> {
        if (name.startsWith("ce_") || name.startsWith("commslib-")) {
          return false;
        }
        builder.header(name, value);
      }
    }
    return true;
  }
}
