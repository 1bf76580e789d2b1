package io.commslib.core.time;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WorkInterruptsTest {

  private final Object outer = new Object();
  private final Object inner = new Object();

  @AfterEach
  void nothingIsKept() {
    WorkInterrupts.returned(inner);
    WorkInterrupts.returned(outer);
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void theEndOfInnerWorkLeavesTheInterruptOfTheOuterWork() {
    WorkInterrupts.interrupt(inner, Thread.currentThread());
    WorkInterrupts.interrupt(outer, Thread.currentThread());

    WorkInterrupts.returned(inner);
    assertThat(Thread.interrupted())
        .as("the flag, as code around the inner work reads it")
        .isTrue();

    WorkInterrupts.returned(outer);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }

  @Test
  void theInterruptOfAnotherThreadSetsNoFlagHere() {
    Thread other = new Thread(() -> {});
    WorkInterrupts.interrupt(outer, other);
    WorkInterrupts.interrupt(inner, Thread.currentThread());

    WorkInterrupts.returned(inner);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }

  @Test
  void workThatWasNotInterruptedOnlyClearsTheFlag() {
    Thread.currentThread().interrupt();

    WorkInterrupts.returned(inner);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }
}
