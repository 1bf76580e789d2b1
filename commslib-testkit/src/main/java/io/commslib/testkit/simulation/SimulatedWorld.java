package io.commslib.testkit.simulation;

import java.time.Duration;
import java.util.SplittableRandom;

/** The state that models and members share: clock, events, randomness and remaining faults. */
final class SimulatedWorld {

  private final SplittableRandom random;
  private final SimulatedClock clock;
  private final SimulatedBrokerState state = new SimulatedBrokerState();
  private final SimulationFault saboteur;
  private int faults;
  private int badDeadLetters;

  SimulatedWorld(long seed, SimulationFault saboteur) {
    this.random = new SplittableRandom(seed);
    this.clock = new SimulatedClock(random.split());
    this.saboteur = saboteur;
    this.faults = 1 + random.nextInt(4);
    this.badDeadLetters = random.nextInt(4);
  }

  SplittableRandom random() {
    return random;
  }

  SimulatedClock clock() {
    return clock;
  }

  SimulatedBrokerState state() {
    return state;
  }

  SimulationFault saboteur() {
    return saboteur;
  }

  boolean hasFaultsLeft() {
    return faults > 0;
  }

  void noMoreFaults() {
    faults = 0;
    badDeadLetters = 0;
  }

  void faultHappened(String what) {
    faults--;
    state.trace("fault: " + what);
  }

  void jumpClock() {
    clock.jump(Duration.ofMinutes(random.nextInt(-120, 1_440)));
  }

  SimulatedConsumer.DeadLetterFate nextDeadLetterFate() {
    if (badDeadLetters > 0 && random.nextInt(2) == 0) {
      badDeadLetters--;
      return random.nextBoolean()
          ? SimulatedConsumer.DeadLetterFate.REFUSED
          : SimulatedConsumer.DeadLetterFate.CONFIRM_LOST;
    }
    return SimulatedConsumer.DeadLetterFate.CONFIRMED;
  }
}
