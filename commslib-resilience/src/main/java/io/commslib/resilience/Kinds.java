package io.commslib.resilience;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import org.jspecify.annotations.Nullable;

/** The kind of a failure of the library that carries a failure of user code. */
final class Kinds {

  private Kinds() {}

  /**
   * Returns the kind that lets {@link Failures} decide as it would without the carrier: a failure
   * that the library does not know is a failed attempt, and never an outage or permanent.
   */
  static FailureKind of(@Nullable Throwable failure) {
    FailureKind known = Failures.known(failure).map(CommsException::kind).orElse(null);
    if (known == null) {
      return Failures.isInterrupt(failure) ? FailureKind.CANCELLED : FailureKind.CONTENTION;
    }
    boolean isWrapped = failure != null && !Failures.isPermanent(failure);
    return known == FailureKind.PERMANENT && isWrapped ? FailureKind.CONTENTION : known;
  }
}
