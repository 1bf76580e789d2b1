package io.commslib.core.engine;

import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The history of a deferred record: headers {@code commslib-retry-<field>} beside the original
 * headers. Fields: {@code attempts, first-cause, partition, position, received-at}. Another
 * deferral replaces {@code attempts} and keeps the others, which describe the first delivery.
 */
final class DeferredRetryHeaders {

  private static final String PREFIX = CloudEventsEnvelope.RESERVED_PREFIX + "retry-";
  private static final String ATTEMPTS = PREFIX + "attempts";
  private static final String FIRST_CAUSE = PREFIX + "first-cause";
  private static final String PARTITION = PREFIX + "partition";
  private static final String POSITION = PREFIX + "position";
  private static final String RECEIVED_AT = PREFIX + "received-at";
  private static final int MAX_ATTEMPTS = 1_000_000;

  private DeferredRetryHeaders() {}

  /** Adds the history of an entry to its record. */
  static ForeignRecord add(LaneEntry entry, String receivedAt) {
    ForeignRecord original = entry.raw.wire();
    Map<String, String> headers = new LinkedHashMap<>(original.texts());
    if (!entry.raw.isDeferredRetry()) {
      headers.keySet().removeIf(name -> name.startsWith(PREFIX));
    }
    headers.put(ATTEMPTS, Integer.toString(entry.failedAttempts()));
    headers.putIfAbsent(FIRST_CAUSE, oneLine(String.valueOf(entry.history().firstCause)));
    entry.raw.partition().ifPresent(partition -> headers.putIfAbsent(PARTITION, partition));
    headers.putIfAbsent(POSITION, entry.raw.positionText());
    headers.putIfAbsent(RECEIVED_AT, receivedAt);
    original.assignedId().ifPresent(id -> headers.put(ForeignRecord.RECORD_ID, id));
    return original.withTexts(headers);
  }

  /** Restores the history of a record that was deferred. */
  static void restore(LaneEntry entry) {
    if (!entry.raw.isDeferredRetry() || entry.history != null) {
      return;
    }
    Map<String, String> headers = entry.raw.wire().texts();
    LaneEntry.History history = entry.history();
    history.failedAttempts = attempts(headers.get(ATTEMPTS));
    history.firstCause = headers.get(FIRST_CAUSE);
  }

  private static int attempts(@Nullable String text) {
    try {
      return text == null ? 0 : Math.min(MAX_ATTEMPTS, Math.max(0, Integer.parseInt(text)));
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  static Optional<String> partition(RawDelivery raw) {
    return field(raw, PARTITION).or(raw::partition);
  }

  static String position(RawDelivery raw) {
    return field(raw, POSITION).orElseGet(raw::positionText);
  }

  /** The time of the first delivery, if the record was deferred since. */
  static Optional<String> receivedAt(RawDelivery raw) {
    return field(raw, RECEIVED_AT);
  }

  private static Optional<String> field(RawDelivery raw, String name) {
    return raw.isDeferredRetry()
        ? Optional.ofNullable(raw.wire().texts().get(name))
        : Optional.empty();
  }

  /** Returns the record as it was before it was deferred. */
  static ForeignRecord without(RawDelivery raw) {
    ForeignRecord wire = raw.wire();
    if (!raw.isDeferredRetry()) {
      return wire;
    }
    Map<String, String> headers = new LinkedHashMap<>(wire.texts());
    headers.keySet().removeIf(name -> name.startsWith(PREFIX));
    return wire.withTexts(headers);
  }

  private static String oneLine(String text) {
    return text.replaceAll("\\p{Cntrl}", " ");
  }
}
