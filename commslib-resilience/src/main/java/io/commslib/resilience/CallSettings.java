package io.commslib.resilience;

import org.jspecify.annotations.Nullable;

/**
 * What an operation has of its own in place of the policy of its guard. Immutable.
 *
 * @param collapseKey the key of calls that share one call, or null
 * @param timeNanos in place of the times of the policy; 0 for these
 */
record CallSettings(@Nullable String collapseKey, long timeNanos) {

  static final CallSettings NONE = new CallSettings(null, 0);

  CallSettings withCollapseKey(String key) {
    return new CallSettings(key, timeNanos);
  }

  CallSettings withTime(long nanos) {
    return new CallSettings(collapseKey, nanos);
  }
}
