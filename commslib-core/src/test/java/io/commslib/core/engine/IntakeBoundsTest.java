package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class IntakeBoundsTest {

  @Test
  void closesAtTheCountAndOpensAgainBelowSeventyPercentOfIt() {
    IntakeBounds bounds = new IntakeBounds(100, 1_000_000);
    for (int i = 0; i < 99; i++) {
      bounds.added(1);
      assertThat(bounds.update()).isFalse();
    }
    bounds.added(1);
    assertThat(bounds.update()).isTrue();
    assertThat(bounds.isOpen()).isFalse();
    for (int i = 0; i < 30; i++) {
      bounds.removed(1);
      assertThat(bounds.update()).isFalse();
    }
    bounds.removed(1);
    assertThat(bounds.update()).isTrue();
    assertThat(bounds.isOpen()).isTrue();
  }

  @Test
  void bytesHaveTheSameHysteresis() {
    IntakeBounds bounds = new IntakeBounds(100, 1_000);
    bounds.added(600);
    assertThat(bounds.update()).isFalse();
    bounds.added(400);
    assertThat(bounds.update()).isTrue();
    bounds.removed(300);
    bounds.update();
    assertThat(bounds.isOpen()).as("700 of 1,000").isFalse();
    bounds.added(1);
    bounds.removed(100);
    bounds.update();
    assertThat(bounds.isOpen()).isTrue();
  }

  @Test
  void atMostHalfOfTheCountMayWait() {
    IntakeBounds bounds = new IntakeBounds(100, 1_000_000);
    bounds.waiting(49);
    assertThat(bounds.update()).isFalse();
    bounds.waiting(1);
    assertThat(bounds.update()).isTrue();
    bounds.waiting(-15);
    assertThat(bounds.update()).isFalse();
    bounds.waiting(-1);
    assertThat(bounds.update()).isTrue();
  }
}
