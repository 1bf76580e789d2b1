package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.RowResult;
import java.util.List;

/**
 * Handlers, codecs and observers of members throw missing classes, stack overflows, assertion
 * errors and out-of-memory errors, while members and the broker are killed.
 */
final class BrokerErrorsRow {

  private BrokerErrorsRow() {}

  static RowResult run(Broker.Kind kind, String name, ChaosOptions options) throws Exception {
    int kills = options.bySize(3, 9, 30);
    RowSetup setup = new RowSetup(options.bySize(20, 40, 300));
    setup.membersAsProcesses = true;
    setup.memberCount = 2;
    setup.plantErrors = true;
    if (kind == Broker.Kind.KAFKA) {
      setup.clientSettings.put("heartbeat.interval.ms", "500");
    }
    int members = 0;
    int brokers = 0;
    try (ProcessRowEnvironment environment = new ProcessRowEnvironment(kind, setup, options)) {
      environment.produce();
      for (int kill = 0; kill < kills; kill++) {
        environment.pause(1_500, 4_000);
        if (kill % 3 == 2) {
          environment.broker().server().kill();
          environment.broker().server().restart();
          brokers++;
        } else {
          environment.members().kill();
          environment.members().join();
          members++;
        }
      }
      environment.results().awaitEffects(environment.members(), environment.confirmed());
      environment
          .results()
          .addViolation(
              "unexpected",
              environment.deadLetterCount(),
              environment.deadLetterCount() + " dead letters");
      long met = 0;
      for (String where :
          List.of(PlantedErrors.HANDLER, PlantedErrors.CODEC, PlantedErrors.OBSERVER)) {
        long here = environment.members().countPrinted(where);
        environment.results().addViolation("unmet", here == 0 ? 1 : 0, where + "no error");
        met += here;
      }
      long memory = environment.members().countPrinted(PlantedErrors.HANDLER + "OutOfMemoryError");
      environment
          .results()
          .addViolation("unmet", memory == 0 ? 1 : 0, "no handler threw an OutOfMemoryError");
      return environment.result(
          name,
          String.format(
              "%d errors, %d of memory in handlers, %d members and %d brokers killed",
              met, memory, members, brokers));
    }
  }
}
