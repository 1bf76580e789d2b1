package io.commslib.core.call;

import io.commslib.core.checks.Checks;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What of a context does not change from attempt to attempt, so that attempts share it. */
record Trail(
    @Nullable String traceparent,
    @Nullable String tracestate,
    Map<String, String> baggage,
    @Nullable String correlationId,
    @Nullable String causationId,
    @Nullable Object callChain) {

  private static final int MAX_ID_CHARS = 256;
  private static final int MAX_STATE_CHARS = 512;

  private static final Pattern TRACEPARENT =
      Pattern.compile("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}");

  static final Trail NONE = new Trail(null, null, Map.of(), null, null, null);

  Trail withTrace(String parent, String state) {
    return new Trail(
        Checks.matches("traceparent", parent, TRACEPARENT, "00-<32 hex>-<16 hex>-<2 hex>"),
        state.isEmpty() ? null : Checks.text("tracestate", state, 1, MAX_STATE_CHARS),
        baggage,
        correlationId,
        causationId,
        callChain);
  }

  Trail withBaggage(String name, String value) {
    Map<String, String> entries = new LinkedHashMap<>(baggage);
    entries.put(
        Checks.printable("baggage name", name, 128), Checks.text("baggage value", value, 0, 1_024));
    Checks.inRange("baggage entries", entries.size(), 1, CallContext.MAX_BAGGAGE_ENTRIES);
    int chars = 0;
    for (Map.Entry<String, String> entry : entries.entrySet()) {
      chars += entry.getKey().length() + entry.getValue().length();
    }
    Checks.inRange("baggage characters", chars, 1, CallContext.MAX_BAGGAGE_CHARS);
    return new Trail(
        traceparent, tracestate, Map.copyOf(entries), correlationId, causationId, callChain);
  }

  Trail withCause(String correlation, String causation) {
    return new Trail(
        traceparent,
        tracestate,
        baggage,
        Checks.text("correlationId", correlation, 1, MAX_ID_CHARS),
        Checks.text("causationId", causation, 1, MAX_ID_CHARS),
        callChain);
  }

  Trail withCallChain(@Nullable Object chain) {
    return new Trail(traceparent, tracestate, baggage, correlationId, causationId, chain);
  }

  /** Shows no value: baggage may be private. */
  @Override
  public String toString() {
    return "Trail{baggage=" + baggage.size() + " entries}";
  }
}
