package io.commslib.saga;

import io.commslib.core.messaging.Destination;
import java.time.Duration;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One step of a definition.
 *
 * @param replies update of the state on success, by class of the reply
 * @param refusals update of the state on a refusal, by class of the reply
 * @param undo null if there is none
 */
record Step<S>(
    String name,
    StepKind kind,
    Call<S> command,
    Map<Class<?>, BiFunction<S, Object, S>> replies,
    Map<Class<?>, BiFunction<S, Object, S>> refusals,
    @Nullable Undo<S> undo,
    Duration timeout,
    int attempts) {

  private static final Duration MAX_UNDO_WAIT = Duration.ofMinutes(10);

  /** A message to a participant. */
  record Call<S>(Destination to, Function<S, Object> body) {}

  /** A compensation. */
  record Undo<S>(Call<S> command, Map<Class<?>, BiFunction<S, Object, S>> replies, int attempts) {}

  /** The wait doubles with each attempt, since only an operator may abandon a compensation. */
  Duration undoWait(int attempt) {
    Duration longest = timeout.compareTo(MAX_UNDO_WAIT) > 0 ? timeout : MAX_UNDO_WAIT;
    Duration wait = timeout;
    for (int i = 1; i < attempt && wait.compareTo(longest) < 0; i++) {
      wait = wait.multipliedBy(2);
    }
    return wait.compareTo(longest) > 0 ? longest : wait;
  }

  /**
   * The part of the step that must not change while instances of this version exist; timeouts and
   * attempts may change.
   */
  String structure() {
    return name
        + " "
        + kind
        + " "
        + command.to()
        + (undo == null ? "" : " undo " + undo.command().to());
  }
}
