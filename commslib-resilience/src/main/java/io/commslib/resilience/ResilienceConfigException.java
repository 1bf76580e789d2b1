package io.commslib.resilience;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import java.util.List;

/**
 * A configuration was refused, {@code COMMS-CALL-030}. It has all errors of the configuration, at
 * most {@value #MAX_ERRORS} of them in detail.
 */
public final class ResilienceConfigException extends CommsException {

  /** The maximum number of errors in detail. */
  public static final int MAX_ERRORS = 100;

  private static final long serialVersionUID = 1L;

  private final transient List<ConfigError> errors;

  /** The number of errors, those without detail included. */
  private final int count;

  ResilienceConfigException(List<ConfigError> errors, int count) {
    super("COMMS-CALL-030", FailureKind.PERMANENT, text(errors, count), null);
    this.errors = List.copyOf(errors);
    this.count = count;
  }

  private static String text(List<ConfigError> errors, int count) {
    if (count == 1) {
      return errors.get(0).toString();
    }
    StringBuilder text = new StringBuilder().append(count).append(" errors");
    errors.forEach(error -> text.append("\n  ").append(error));
    if (count > errors.size()) {
      text.append("\n  and ").append(count - errors.size()).append(" more");
    }
    return text.toString();
  }

  /** {@return the errors in detail: those of single keys in their order, then contradictions} */
  public List<ConfigError> errors() {
    return errors;
  }

  /** {@return the number of errors} */
  public int count() {
    return count;
  }
}
