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

  /** Returns an instance that causes the faults of others at the same time. */
  static Chaos all(List<Chaos> parts) {
    return new Chaos() {
      @Override
      public void begin(Feeder feeder, ShopRun run, ServiceHost services, Progress progress) {
        parts.forEach(part -> part.begin(feeder, run, services, progress));
      }

      @Override
      public boolean isOver() {
        return parts.stream().allMatch(Chaos::isOver);
      }

      @Override
      public List<String> shortfalls() {
        return parts.stream().flatMap(part -> part.shortfalls().stream()).toList();
      }
    };
  }

  /** Returns an instance that causes no faults. */
  static Chaos none() {
    return all(List.of());
  }
}
