package io.commslib.examples.shop.cli;

import java.util.List;

/** The faults of a run. */
interface Chaos {

  /** Starts causing faults; returns immediately. */
  void begin(Feeder feeder, ShopRun run, ServiceHost services, Progress progress);

  /** {@return whether all faults are done} */
  boolean isOver();

  /** {@return descriptions of the planned faults that could not be caused} */
  List<String> shortfalls();

  /** Returns an instance that causes no faults. */
  static Chaos none() {
    return new Chaos() {
      @Override
      public void begin(Feeder feeder, ShopRun run, ServiceHost services, Progress progress) {}

      @Override
      public boolean isOver() {
        return true;
      }

      @Override
      public List<String> shortfalls() {
        return List.of();
      }
    };
  }
}
