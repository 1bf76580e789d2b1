package io.commslib.saga;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.commslib.saga.TestSaga.Held;
import io.commslib.saga.TestSaga.Hold;
import io.commslib.saga.TestSaga.State;
import java.time.Duration;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SagaDefinitionTest {

  private static SagaDefinition.Builder<State> define() {
    return SagaDefinition.builder("order", 1, State.class).key(State::order);
  }

  private static SagaDefinition.StepBuilder<State> step(String name) {
    return define()
        .step(name)
        .command(TestSaga.STOCK, s -> new Hold(s.order()))
        .onReply(Held.class, (s, r) -> s);
  }

  static Stream<Arguments> wrongDefinitions() {
    return Stream.of(
        row(
            "saga: 'Order' (expected: 1..50 of a-z 0-9 -, starting with a letter)",
            () -> SagaDefinition.builder("Order", 1, State.class)),
        row(
            "version: 0 (expected: 1..1000000)",
            () -> SagaDefinition.builder("order", 0, State.class)),
        row("steps: 0 (expected: 1 or more, in saga order)", () -> define().build()),
        row(
            "key: none (expected: a function of the state, in saga order)",
            () -> SagaDefinition.builder("order", 1, State.class).build()),
        row("command: none for step a (expected: one)", () -> define().step("a").build()),
        row(
            "onReply: none for step a (expected: one or more)",
            () -> define().step("a").command(TestSaga.STOCK, s -> s).build()),
        row(
            "compensate: none for step a (expected: an undo, readOnly() or a pivot at or before it)",
            () ->
                step("a")
                    .step("b")
                    .command(TestSaga.BANK, s -> s)
                    .onReply(Held.class, (s, r) -> s)
                    .build()),
        row(
            "compensatedBy: 0 for step a (expected: one or more with compensate)",
            () -> step("a").compensate(TestSaga.STOCK, s -> s).build()),
        row(
            "steps: [a, a] (expected: distinct names)",
            () ->
                step("a")
                    .readOnly()
                    .step("a")
                    .command(TestSaga.BANK, s -> s)
                    .onReply(Held.class, (s, r) -> s)
                    .build()),
        row(
            "pivot: 2 (expected: one at most, in saga order)",
            () ->
                step("a")
                    .pivot()
                    .step("b")
                    .command(TestSaga.BANK, s -> s)
                    .onReply(Held.class, (s, r) -> s)
                    .pivot()
                    .build()),
        row("timeout: PT0S (expected: PT0.01S..PT8760H)", () -> step("a").timeout(Duration.ZERO)),
        row("attempts: 0 (expected: 1..1000)", () -> step("a").attempts(0)));
  }

  private static Arguments row(String message, ThrowingCallable build) {
    return arguments(message, build);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongDefinitions")
  void wrongDefinitionsAreRefusedWhenBuilt(String message, ThrowingCallable build) {
    assertThatIllegalArgumentException().isThrownBy(build).withMessage(message);
  }

  @Test
  void theFingerprintFollowsTheStructureAndNotTheTimeouts() {
    assertThat(step("a").build().fingerprint())
        .isEqualTo(step("a").timeout(Duration.ofHours(1)).attempts(9).build().fingerprint())
        .isNotEqualTo(step("b").build().fingerprint());
  }
}
