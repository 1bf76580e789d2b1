package io.commslib.http.server;

import io.commslib.core.call.CallContext;
import io.commslib.core.time.TimeSource;
import io.commslib.http.CallHeaders;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Reads the context of the caller. Trace, baggage and attempt help to understand a request and
 * never decide about it, so what is malformed there is left out.
 */
final class CallerContext {

  private static final Pattern TRACEPARENT =
      Pattern.compile("00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}");
  private static final Pattern ATTEMPT = Pattern.compile("[1-9][0-9]{0,5}");
  private static final int MAX_STATE_CHARS = 512;

  private CallerContext() {}

  static CallContext of(ServerRequest request, long deadlineNanos, TimeSource time) {
    CallContext context = withBaggage(withTrace(CallContext.empty(), request), request);
    boolean isMirrored = request.headers(CallHeaders.MIRRORED).equals(List.of("1"));
    CallContext known = isMirrored ? context.asMirrored() : context;
    return known.forAttempt(attempt(request), deadlineNanos, time, null);
  }

  private static int attempt(ServerRequest request) {
    List<String> values = request.headers(CallHeaders.ATTEMPT);
    return values.size() == 1 && ATTEMPT.matcher(values.get(0)).matches()
        ? Integer.parseInt(values.get(0))
        : 1;
  }

  private static CallContext withTrace(CallContext context, ServerRequest request) {
    List<String> parents = request.headers(CallHeaders.TRACEPARENT);
    if (parents.size() != 1 || !TRACEPARENT.matcher(parents.get(0)).matches()) {
      return context;
    }
    String state = String.join(",", request.headers(CallHeaders.TRACESTATE));
    if (state.length() <= MAX_STATE_CHARS) {
      try {
        return context.withTrace(parents.get(0), state);
      } catch (IllegalArgumentException e) {
        // A state with control characters is left out; the parent is valid without it.
        return context.withTrace(parents.get(0), "");
      }
    }
    return context.withTrace(parents.get(0), "");
  }

  private static CallContext withBaggage(CallContext context, ServerRequest request) {
    CallContext all = context;
    int entries = 0;
    for (String header : request.headers(CallHeaders.BAGGAGE)) {
      for (String member : header.split(",", CallContext.MAX_BAGGAGE_ENTRIES + 1)) {
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
    if (equals < 0) {
      return context;
    }
    String value = PercentCoding.decode(entry.substring(equals + 1).strip(), false);
    if (value == null) {
      return context;
    }
    try {
      return context.withBaggage(entry.substring(0, equals).strip(), value);
    } catch (IllegalArgumentException e) {
      return context;
    }
  }
}
