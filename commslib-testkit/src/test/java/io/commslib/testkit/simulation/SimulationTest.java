package io.commslib.testkit.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.testkit.simulation.Simulation.Model;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class SimulationTest {

  private static final int SCHEDULES = 3_000;
  private static final int SABOTAGED = 2_000;
  private static final Set<SimulationFault> OF_RABBIT =
      EnumSet.of(
          SimulationFault.FORGETS_UNACKNOWLEDGED,
          SimulationFault.REQUEUES_AT_THE_END,
          SimulationFault.ACKNOWLEDGES_CUMULATIVELY,
          SimulationFault.MIXES_UP_CHANNELS);

  @ParameterizedTest
  @EnumSource(Model.class)
  void nothingIsLostDoubledOrOvertakenInAnySchedule(Model model) {
    Simulation simulation = Simulation.of(model);
    Set<Long> traces = new HashSet<>();
    for (long seed = 0; seed < SCHEDULES; seed++) {
      Simulation.Result result = simulation.run(seed);
      assertThat(result.violations()).as("%s, seed %d", model, seed).isEmpty();
      traces.add(result.trace());
    }
    assertThat(traces).hasSize(SCHEDULES);
  }

  @ParameterizedTest
  @EnumSource(Model.class)
  void theSameSeedGivesTheSameTrace(Model model) {
    for (long seed = 0; seed < 200; seed++) {
      assertThat(Simulation.of(model).run(seed)).isEqualTo(Simulation.of(model).run(seed));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = SimulationFault.class,
      names = {"NONE"},
      mode = EnumSource.Mode.EXCLUDE)
  void everySaboteurIsCaught(SimulationFault saboteur) {
    Model model = OF_RABBIT.contains(saboteur) ? Model.RABBIT : Model.KAFKA;
    Simulation simulation = Simulation.of(model).sabotagedBy(saboteur);
    for (long seed = 0; seed < SABOTAGED; seed++) {
      if (!simulation.run(seed).violations().isEmpty()) {
        return;
      }
    }
    throw new AssertionError(saboteur + " was not caught in " + SABOTAGED + " schedules");
  }

  /**
   * Schedules in which a fault that was once there shows: each must still show it, and pass without
   * it. They change with the models; {@code kept-seeds.txt} says how to find new ones.
   */
  @ParameterizedTest
  @MethodSource("keptSeeds")
  void aKeptScheduleShowsItsFaultAndPassesWithoutIt(Model model, SimulationFault fault, long seed) {
    assertThat(Simulation.of(model).run(seed).violations()).isEmpty();
    assertThat(Simulation.of(model).sabotagedBy(fault).run(seed).violations()).isNotEmpty();
  }

  static List<Arguments> keptSeeds() throws IOException {
    try (InputStream kept =
        SimulationTest.class.getResourceAsStream("/simulation/kept-seeds.txt")) {
      return new String(Objects.requireNonNull(kept).readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isBlank() && !line.startsWith("#"))
          .map(line -> line.split(" "))
          .map(
              words ->
                  Arguments.of(
                      Model.valueOf(words[0]),
                      SimulationFault.valueOf(words[1]),
                      Long.parseLong(words[2])))
          .toList();
    }
  }
}
