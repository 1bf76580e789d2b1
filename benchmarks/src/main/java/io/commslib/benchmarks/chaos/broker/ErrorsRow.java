package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.RowResult;
import java.util.List;

/**
 * Handlers, codecs and observers of members throw missing classes, stack overflows, assertions, or
 * that memory is out, while members and the broker are killed.
 */
final class ErrorsRow {

  private ErrorsRow() {}

  static RowResult run(Broker.Kind kind, String name, ChaosOptions options) throws Exception {
    int kills = options.choose(3, 9, 30);
    RowSetup setting = new RowSetup(options.choose(20, 40, 300));
    setting.processes = true;
    setting.members = 2;
    setting.errors = true;
    if (kind == Broker.Kind.KAFKA) {
      setting.client.put("heartbeat.interval.ms", "500");
    }
    int members = 0;
    int brokers = 0;
    try (ProcessRowEnvironment scene = new ProcessRowEnvironment(kind, setting, options)) {
      scene.produce();
      for (int kill = 0; kill < kills; kill++) {
        scene.pause(1_500, 4_000);
        if (kill % 3 == 2) {
          scene.broker().server().kill();
          scene.broker().server().restart();
          brokers++;
        } else {
          scene.members().kill();
          scene.members().join();
          members++;
        }
      }
      scene.judge().awaitEffects(scene.members(), scene.confirmed());
      scene.judge().wrong("unexpected", scene.letters(), scene.letters() + " dead letters");
      long met = 0;
      for (String where :
          List.of(PlantedErrors.HANDLER, PlantedErrors.CODEC, PlantedErrors.OBSERVER)) {
        long here = scene.members().printed(where);
        scene.judge().wrong("unmet", here == 0 ? 1 : 0, where + "nothing");
        met += here;
      }
      long memory = scene.members().printed(PlantedErrors.HANDLER + "OutOfMemoryError");
      scene.judge().wrong("unmet", memory == 0 ? 1 : 0, "no handler was out of memory");
      return scene.result(
          name,
          String.format(
              "%d errors, %d of memory in handlers, %d members and %d brokers killed",
              met, memory, members, brokers));
    }
  }
}
