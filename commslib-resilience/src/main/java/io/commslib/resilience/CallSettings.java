package io.commslib.resilience;

import org.jspecify.annotations.Nullable;

/**
 * What an operation has of its own in place of the policy of its guard. Immutable.
 *
 * @param collapseKey the key of calls that share one call, or null
 * @param timeNanos in place of the times of the policy; 0 for these
 * @param isMirrored whether its calls are copied if the policy has a mirror
 * @param isRepeated whether its calls make further attempts if the policy permits them
 */
record CallSettings(
    @Nullable String collapseKey, long timeNanos, boolean isMirrored, boolean isRepeated) {

  static final CallSettings NONE = new CallSettings(null, 0, true, true);

  CallSettings withCollapseKey(String key) {
    return new CallSettings(key, timeNanos, isMirrored, isRepeated);
  }

  CallSettings withTime(long nanos) {
    return new CallSettings(collapseKey, nanos, isMirrored, isRepeated);
  }

  CallSettings withoutMirror() {
    return new CallSettings(collapseKey, timeNanos, false, isRepeated);
  }

  CallSettings withOneAttempt() {
    return new CallSettings(collapseKey, timeNanos, isMirrored, false);
  }
}
