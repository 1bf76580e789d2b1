package io.commslib.grpc;

import io.commslib.core.call.CallContext;
import io.commslib.core.time.TimeSource;
import io.grpc.Metadata;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Reads the context of the caller. Trace, baggage and attempt help to understand a call and never
 * decide about it, so what is malformed there is left out.
 */
final class CallerContext {

  private static final Pattern TRACEPARENT =
      Pattern.compile("00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}");
  private static final Pattern PREVIOUS = Pattern.compile("[0-9]{1,5}");
  private static final int MAX_STATE_CHARS = 512;

  private CallerContext() {}

  /** Returns the context of a call with a deadline. */
  static CallContext of(Metadata headers, long deadlineNanos, TimeSource time) {
    return of(headers).forAttempt(attempt(headers), deadlineNanos, time, null);
  }

  /** Returns the context of a call without a deadline, which only a stream may be. */
  static CallContext of(Metadata headers) {
    CallContext context = withTrace(CallContext.empty(), headers);
    Iterable<String> lists = headers.getAll(GrpcHeaders.BAGGAGE);
    return lists == null ? context : BaggageText.read(context, lists);
  }

  private static int attempt(Metadata headers) {
    String previous = headers.get(GrpcHeaders.PREVIOUS_ATTEMPTS);
    return previous != null && PREVIOUS.matcher(previous).matches()
        ? Integer.parseInt(previous) + 1
        : 1;
  }

  private static CallContext withTrace(CallContext context, Metadata headers) {
    String parent = headers.get(GrpcHeaders.TRACEPARENT);
    if (parent == null || !TRACEPARENT.matcher(parent).matches()) {
      return context;
    }
    Iterable<String> states = headers.getAll(GrpcHeaders.TRACESTATE);
    String state = states == null ? "" : String.join(",", states);
    try {
      return context.withTrace(parent, state.length() <= MAX_STATE_CHARS ? state : "");
    } catch (IllegalArgumentException e) {
      // A state with control characters is left out; the parent is valid without it.
      return context.withTrace(parent, "");
    }
  }

  static List<String> all(Metadata headers, Metadata.Key<String> key) {
    Iterable<String> values = headers.getAll(key);
    if (values == null) {
      return List.of();
    }
    List<String> all = new ArrayList<>(1);
    values.forEach(all::add);
    return all;
  }
}
