package io.commslib.idempotency;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.checks.Checks;
import java.util.Objects;

/** Limits of the steps that attempts remember about a key. */
final class RequestSteps {

  static final int MAX_CHARS = 32_768;

  private RequestSteps() {}

  static void check(String step, String value) {
    Objects.requireNonNull(step, "step");
    Objects.requireNonNull(value, "value");
    Checks.inRange("step length", step.length(), 1, 64);
    Checks.inRange("value length", value.length(), 0, 2_048);
    checkWhole("step", step);
    checkWhole("value", value);
  }

  /** Refuses half surrogate pairs, which databases would store as another character. */
  private static void checkWhole(String name, String text) {
    boolean isWhole =
        text.codePoints()
            .noneMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
    Checks.check(isWhole, name, "half a surrogate pair", "whole characters");
  }

  static StoreException full() {
    return new StoreException(
        "COMMS-IDEMPOTENCY-005",
        FailureKind.PERMANENT,
        "steps of a key: more than "
            + MAX_CHARS
            + " characters as stored (expected: at most "
            + MAX_CHARS
            + ")",
        null);
  }
}
