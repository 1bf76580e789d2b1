package io.commslib.saga;

/** What can happen to a saga. Closed set. */
sealed interface Input {

  /** The first input of every saga. */
  record Start() implements Input {}

  /**
   * A participant has answered.
   *
   * @param commandId id of the command or compensation it answers
   */
  record Reply(String commandId, Object body) implements Input {
    /** Without the body, which may hold what logs must not. */
    @Override
    public String toString() {
      return "Reply[commandId=" + commandId + "]";
    }
  }

  /** The wake-up time may have come. */
  record TimerDue() implements Input {}

  /** Send again what a parked saga waits for. */
  record Retry(String actor, String reason) implements Input {}

  /** What a parked saga waits for was done by hand. */
  record Resolve(String actor, String reason) implements Input {}

  /** Stop going forward and undo. */
  record Cancel(String actor, String reason) implements Input {}
}
