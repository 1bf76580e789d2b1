package io.commslib.examples.shop.cli;

import java.util.List;

/** What disturbs a run. */
interface Chaos {

  /** Begins to disturb; returns at once. */
  void begin(Feeder feeder, ShopRun run, ServiceHost services, Progress progress);

  /** Whether it will disturb no more. */
  boolean isOver();

  /** What it was asked to do and could not. */
  List<String> shortfalls();

  /** No disturbance. */
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
