package io.commslib.saga;

/** Input of the state machine. Closed set. */
sealed interface Input {

  /** The first input of every saga. */
  record Start() implements Input {}

  /**
   * A participant has replied.
   *
   * @param commandId id of the command or compensation it answers
   */
  record Reply(String commandId, Object body) implements Input {
    /** Omits the body, which must not appear in logs. */
    @Override
    public String toString() {
      return "Reply[commandId=" + commandId + "]";
    }
  }

  /** The wake-up time may have been reached. */
  record TimerDue() implements Input {}

  /** Send the command or compensation again at which the saga parked. */
  record Retry(String actor, String reason) implements Input {}

  /** An operator has done by hand what the parked saga waits for. */
  record Resolve(String actor, String reason) implements Input {}

  /** Stop moving forward and undo. */
  record Cancel(String actor, String reason) implements Input {}
}
