package io.commslib.saga;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Row of a saga, with the state as stored bytes.
 *
 * @param version number of the last write, which the next write must name
 * @param steps by name, in order
 * @param readAt the database's clock when the row was read
 */
record StoredSaga(
    String id,
    String type,
    int definitionVersion,
    String businessKey,
    SagaStatus status,
    Map<String, StepState> steps,
    long version,
    byte[] data,
    @Nullable Instant wakeAt,
    Instant updatedAt,
    Instant readAt) {

  /** {@return the instance with its steps in the definition's order} */
  <S> Instance<S> instance(SagaDefinition<S> definition, S state) {
    List<StepState> inOrder = new ArrayList<>();
    for (String name : definition.stepNames()) {
      inOrder.add(steps.getOrDefault(name, StepState.PENDING));
    }
    return new Instance<>(id, businessKey, status, inOrder, state, wakeAt);
  }

  /** Formats the steps as {@code name:phase:attempt:round:successKnown}, separated by blanks. */
  static String formatSteps(List<String> names, List<StepState> steps) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < names.size(); i++) {
      StepState at = steps.get(i);
      text.append(i == 0 ? "" : " ")
          .append(names.get(i))
          .append(':')
          .append(at.phase())
          .append(':')
          .append(at.attempt())
          .append(':')
          .append(at.round())
          .append(':')
          .append(at.successKnown() ? '1' : '0');
    }
    return text.toString();
  }

  static Map<String, StepState> parseSteps(String text) {
    Map<String, StepState> steps = new LinkedHashMap<>();
    for (String entry : text.split(" ")) {
      String[] parts = entry.split(":");
      steps.put(
          parts[0],
          new StepState(
              StepPhase.valueOf(parts[1]),
              Integer.parseInt(parts[2]),
              Integer.parseInt(parts[3]),
              parts[4].equals("1")));
    }
    return steps;
  }

  /** {@return the name of the step whose reply is awaited, or empty} */
  static String awaitedStep(Map<String, StepState> steps) {
    for (StepPhase phase : new StepPhase[] {StepPhase.UNDOING, StepPhase.SENT}) {
      for (Map.Entry<String, StepState> step : steps.entrySet()) {
        if (step.getValue().phase() == phase) {
          return step.getKey();
        }
      }
    }
    return "";
  }
}
