package io.commslib.core.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TrafficSplitTest {

  private static Map<String, Integer> subsets(int count) {
    Map<String, Integer> weights = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      weights.put("v" + i, 1);
    }
    return weights;
  }

  @Test
  void aSplitKeepsItsOrder() {
    TrafficSplit split = TrafficSplit.of("v2", 5, "v1", 95);
    assertThat(split.weights()).containsExactly(Map.entry("v2", 5), Map.entry("v1", 95));
    assertThat(split).hasToString("v2:5,v1:95").isEqualTo(TrafficSplit.of("v1", 95, "v2", 5));
    assertThat(TrafficSplit.of(subsets(TrafficSplit.MAX_SUBSETS)).weights()).hasSize(8);
  }

  @Test
  void whatBreaksARuleIsRefusedWithIt() {
    assertThatThrownBy(() -> TrafficSplit.of(Map.of())).hasMessage("subsets: 0 (expected: 1..8)");
    assertThatThrownBy(() -> TrafficSplit.of(subsets(9))).hasMessage("subsets: 9 (expected: 1..8)");
    assertThatThrownBy(() -> TrafficSplit.of("v1", -1, "v2", 1))
        .hasMessage("weight of v1: -1 (expected: 0..10000)");
    assertThatThrownBy(() -> TrafficSplit.of("v1", 10_001, "v2", 1))
        .hasMessage("weight of v1: 10001 (expected: 0..10000)");
    assertThatThrownBy(() -> TrafficSplit.of("v1", 0, "v2", 0))
        .hasMessageStartingWith("weights: ")
        .hasMessageEndingWith("(expected: one above 0)");
    assertThatThrownBy(() -> TrafficSplit.of("v1", 1, "v1", 1))
        .hasMessage("subset: v1 (expected: a name that is given once)");
    for (String name : new String[] {"", "a b", "a:b", "a,b", "ö", "x".repeat(65), "a\nb"}) {
      assertThatThrownBy(() -> TrafficSplit.of(name, 1, "v2", 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("subset: ");
    }
  }
}
