package io.commslib.core.format;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.OrderingKeys;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the column {@code headers} of the library's outbox rows: one line for each header, name,
 * colon, value. The text comes from a record, so anybody may have written it.
 */
final class OutboxRowHeaders {

  private static final String PREFIX = "ce_";

  /** The source of a message that was built without one, in an outbox without one. */
  private static final String NO_SOURCE = "/";

  private OutboxRowHeaders() {}

  static Message read(ForeignRecord record) {
    String text = HeaderRules.text(record, ForeignRecord.ROW_HEADERS);
    if (text == null) {
      throw refused("text", "bytes", "text in UTF-8");
    }
    Map<String, String> attributes = new LinkedHashMap<>();
    Map<String, String> headers = new LinkedHashMap<>();
    for (String line : text.split("\n", -1)) {
      int colon = line.indexOf(':');
      if (colon <= 0) {
        if (line.isEmpty()) {
          continue;
        }
        throw refused("line", line, "a name, a colon and a value");
      }
      String name = line.substring(0, colon);
      if (name.startsWith(ForeignRecord.RESERVED_PREFIX)) {
        throw refused("header", name, "none that only the library writes");
      }
      boolean isAttribute = name.startsWith(PREFIX) || name.equals("content-type");
      Map<String, String> to = isAttribute ? attributes : headers;
      if (to.putIfAbsent(name, line.substring(colon + 1)) != null) {
        throw refused("header", name, "once");
      }
    }
    return message(record, attributes, headers);
  }

  private static Message message(
      ForeignRecord record, Map<String, String> attributes, Map<String, String> headers) {
    String version = attributes.get("ce_specversion");
    if (version == null || !version.startsWith("1.")) {
      throw refused("ce_specversion", String.valueOf(version), "1.0");
    }
    String source = attributes.get("ce_source");
    if (source == null) {
      throw refused("ce_source", "none", "a value");
    }
    if (source.equals(NO_SOURCE)) {
      throw refused(
          "ce_source",
          source,
          "the name of a service, source of OutboxConfig; the relay would write that of its"
              + " transport, which is another identity");
    }
    RecordMessage message =
        RecordMessage.of(record)
            .headers(headers)
            .id(attributes.get("ce_id"))
            .source(source)
            .type(attributes.get("ce_type"))
            .version(version(attributes.get("ce_dataversion")))
            .key(record.key().map(OutboxRowHeaders::messageKey).orElse(null))
            .subject(attributes.get("ce_subject"))
            .time(time("ce_time", attributes))
            .correlationId(attributes.get("ce_correlationid"))
            .causationId(attributes.get("ce_causationid"))
            .traceparent(attributes.get("ce_traceparent"))
            .tracestate(attributes.get("ce_tracestate"))
            .expiry(time("ce_expirytime", attributes))
            .expiresWithCall("true".equals(attributes.get("ce_expireswithcall")))
            .idempotencyKey(attributes.get("ce_idempotencykey"));
    String contentType = attributes.get("content-type");
    return (contentType == null ? message : message.contentType(contentType)).build();
  }

  /** The key as the relay would send it, which may look like a form of other keys. */
  private static String messageKey(byte[] key) {
    String form = OrderingKeys.of(key);
    String text = OrderingKeys.text(key, form);
    return text == null ? form : text;
  }

  private static int version(@Nullable String text) {
    try {
      return text == null ? 1 : Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw refused("ce_dataversion", String.valueOf(text), "1..1000000");
    }
  }

  private static @Nullable Instant time(String name, Map<String, String> attributes) {
    String text = attributes.get(name);
    try {
      return text == null ? null : OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      throw refused(name, text, "a time as in RFC 3339");
    }
  }

  private static io.commslib.core.CodecException refused(
      String name, @Nullable String value, String rule) {
    return FormatErrors.invalid(
        "header "
            + ForeignRecord.ROW_HEADERS
            + ", "
            + name
            + " "
            + Checks.shorten(String.valueOf(value))
            + " (expected: "
            + rule
            + ")");
  }
}
