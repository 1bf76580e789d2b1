package io.commslib.saga;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import io.commslib.core.messaging.Destination;
import java.time.Duration;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SagaDefinitionTest {

  private static final Destination TO = Destination.queue("q");

  private static SagaDefinition.Builder<String> saga() {
    return SagaDefinition.builder("order", 1, String.class);
  }

  private static StepBuilder<String> withCommand(StepBuilder<String> step) {
    return step.command(TO, s -> s).onReply(Integer.class, (s, r) -> s);
  }

  private static StepBuilder<String> undoable(StepBuilder<String> step) {
    return withCommand(step).compensate(TO, s -> s).compensatedBy(Long.class);
  }

  private static Arguments invalid(
      String message, UnaryOperator<SagaDefinition.Builder<String>> d) {
    return Arguments.of(message, d);
  }

  static Stream<Arguments> invalidDefinitions() {
    return Stream.of(
        invalid("steps: 0 (expected: 1..50)", b -> b),
        invalid(
            "steps: 51 (expected: 1..50)",
            b -> {
              for (int i = 0; i < 51; i++) {
                undoable(b.step("s" + i));
              }
              return b;
            }),
        invalid(
            "step: a (expected: a name used once)",
            b -> {
              undoable(undoable(b.step("a")).step("a"));
              return b;
            }),
        invalid(
            "step a: command: none (expected: one)",
            b -> {
              b.step("a").onReply(Integer.class, (s, r) -> s);
              return b;
            }),
        invalid(
            "step a: onReply: none (expected: at least one)",
            b -> {
              b.step("a").command(TO, s -> s);
              return b;
            }),
        invalid(
            "step a: compensatedBy: none (expected: at least one)",
            b -> {
              withCommand(b.step("a")).compensate(TO, s -> s);
              return b;
            }),
        invalid(
            "step a: compensate: none (expected: one, for compensatedBy)",
            b -> {
              withCommand(b.step("a")).compensatedBy(Long.class);
              return b;
            }),
        invalid(
            "step a: compensate: none (expected: one, or readOnly() or pivot(), for a step before"
                + " the last)",
            b -> {
              withCommand(withCommand(b.step("a")).step("b"));
              return b;
            }),
        invalid(
            "step b: pivot: two (expected: one per definition)",
            b -> {
              withCommand(withCommand(b.step("a")).pivot().step("b")).pivot();
              return b;
            }),
        invalid(
            "step b: compensate: set (expected: none after the pivot)",
            b -> {
              undoable(withCommand(b.step("a")).pivot().step("b"));
              return b;
            }),
        invalid(
            "step b: refusedBy: set (expected: none after the pivot)",
            b -> {
              withCommand(withCommand(b.step("a")).pivot().step("b"))
                  .refusedBy(Long.class, (s, r) -> s);
              return b;
            }),
        invalid(
            "step a: compensate: set (expected: none for a step declared read-only or pivot)",
            b -> {
              undoable(b.step("a")).readOnly();
              return b;
            }));
  }

  @ParameterizedTest
  @MethodSource("invalidDefinitions")
  void refusesToBuildAnInvalidDefinition(
      String message, UnaryOperator<SagaDefinition.Builder<String>> define) {
    SagaDefinition.Builder<String> builder = define.apply(saga());
    assertThatIllegalArgumentException().isThrownBy(builder::build).withMessage(message);
  }

  static Stream<Arguments> invalidSettings() {
    return Stream.of(
        invalid(
            "step: 'Pay' (expected: 1..50 of a-z 0-9 -, not starting with -)",
            b -> b.step("Pay").key(s -> s)),
        invalid(
            "step a: timeout: PT0S (expected: PT0.01S..PT8760H)",
            b -> b.step("a").timeout(Duration.ZERO).key(s -> s)),
        invalid(
            "step a: attempts: 0 (expected: 1..1000)", b -> b.step("a").attempts(0).key(s -> s)),
        invalid(
            "step a: compensationAttempts: 1001 (expected: 1..1000)",
            b -> b.step("a").compensationAttempts(1001).key(s -> s)),
        invalid(
            "step a: command: two (expected: one)",
            b -> b.step("a").command(TO, s -> s).command(TO, s -> s).key(s -> s)),
        invalid(
            "step a: compensate: two (expected: one)",
            b -> b.step("a").compensate(TO, s -> s).compensate(TO, s -> s).key(s -> s)),
        invalid(
            "step a: onReply: java.lang.Integer (expected: a class named once)",
            b -> {
              StepBuilder<String> step = b.step("a").onReply(Integer.class, (s, r) -> s);
              return step.onReply(Integer.class, (s, r) -> s).key(s -> s);
            }),
        invalid(
            "step a: refusedBy: java.lang.Integer (expected: success or refusal, not both)",
            b -> withCommand(b.step("a")).refusedBy(Integer.class, (s, r) -> s).key(s -> s)),
        invalid(
            "step a: pivot: set (expected: readOnly() or pivot(), not both)",
            b -> b.step("a").readOnly().pivot().key(s -> s)));
  }

  @ParameterizedTest
  @MethodSource("invalidSettings")
  void refusesInvalidSettingsImmediately(
      String message, UnaryOperator<SagaDefinition.Builder<String>> define) {
    SagaDefinition.Builder<String> builder = saga();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> define.apply(builder))
        .withMessage(message);
  }

  @Test
  void refusesInvalidNamesAndVersions() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SagaDefinition.builder("Order", 1, String.class))
        .withMessage("name: 'Order' (expected: 1..50 of a-z 0-9 -, not starting with -)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SagaDefinition.builder("order", 0, String.class))
        .withMessage("version: 0 (expected: 1..1000000)");
    assertThatNullPointerException()
        .isThrownBy(() -> SagaDefinition.builder("order", 1, null))
        .withMessage("stateType");
  }

  @Test
  void treatsALastStepWithoutCompensationAsThePivot() {
    SagaDefinition<String> definition =
        withCommand(undoable(withCommand(saga().step("check")).readOnly().step("take")).step("end"))
            .build();
    assertThat(definition.steps())
        .extracting(Step::kind)
        .containsExactly(StepKind.READ_ONLY, StepKind.COMPENSATABLE, StepKind.PIVOT);
  }

  @Test
  void treatsStepsAfterThePivotAsRetriable() {
    SagaDefinition<String> definition =
        withCommand(withCommand(saga().step("buy")).pivot().step("send")).build();
    assertThat(definition.steps())
        .extracting(Step::kind)
        .containsExactly(StepKind.PIVOT, StepKind.RETRIABLE);
  }

  @Test
  void structureTextDependsOnStepsKindsAndDestinationsOnly() {
    String text = undoable(saga().step("a")).build().structure();
    assertThat(text).isEqualTo("a COMPENSATABLE queue:q undo queue:q");
    assertThat(undoable(saga().step("a")).timeout(Duration.ofDays(1)).attempts(9).build())
        .returns(text, SagaDefinition::structure);
    assertThat(undoable(undoable(saga().step("a")).step("b")).build())
        .returns(text + "\n" + text.replaceFirst("a", "b"), SagaDefinition::structure);
  }

  @Test
  void waitsLongerForEachAttemptOfACompensation() {
    Step<String> step =
        undoable(saga().step("a")).timeout(Duration.ofMinutes(1)).build().steps().get(0);
    assertThat(Stream.of(1, 2, 3, 4, 5, 100).map(step::undoWait))
        .containsExactly(
            Duration.ofMinutes(1),
            Duration.ofMinutes(2),
            Duration.ofMinutes(4),
            Duration.ofMinutes(8),
            Duration.ofMinutes(10),
            Duration.ofMinutes(10));
  }
}
