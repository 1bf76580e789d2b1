package io.commslib.saga;

import io.commslib.core.messaging.Destination;
import java.time.Duration;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One step of a definition. Immutable. */
record SagaStep<S>(
    String name, Action<S> command, @Nullable Action<S> undo, Replies<S> replies, Limits limits) {

  /** A command, where it goes, and how it is made from the state. */
  record Action<S>(Destination to, Function<S, Object> message) {}

  /** What the answers do to the state. */
  record Replies<S>(
      Map<Class<?>, BiFunction<S, Object, S>> accepted,
      Map<Class<?>, BiFunction<S, Object, S>> refused,
      Map<Class<?>, BiFunction<S, Object, S>> undone) {}

  /** How long an answer may take, how often the command is sent, and what may not be undone. */
  record Limits(Duration timeout, int attempts, boolean readOnly, boolean pivot) {}

  /**
   * What must not change without a new version: names, order, destinations, answers, and what can
   * be undone.
   */
  String structure() {
    return name
        + ">"
        + command.to()
        + (undo == null ? "" : "<" + undo.to())
        + names(replies.accepted())
        + names(replies.refused())
        + names(replies.undone())
        + (limits.readOnly() ? "r" : "")
        + (limits.pivot() ? "p" : "");
  }

  private static String names(Map<Class<?>, ?> answers) {
    return answers.keySet().stream().map(Class::getSimpleName).sorted().toList().toString();
  }
}
