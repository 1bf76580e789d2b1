package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.RowResult;

/** Large bodies and a small heap: the members' processes end at the first lack of memory. */
final class MemoryRow {

  private static final int HEAP_MEGABYTES = 128;
  private static final int BODY_BYTES = 1_000_000;

  private MemoryRow() {}

  static RowResult run(String name, ChaosOptions options) throws Exception {
    RowSetup setting = new RowSetup(options.choose(10, 100, 500));
    setting.processes = true;
    setting.members = 1;
    setting.producers = 2;
    setting.keys = 10;
    setting.heapMegabytes = HEAP_MEGABYTES;
    setting.bodyBytes = BODY_BYTES;
    setting.broker.put("message.max.bytes", "2097152");
    setting.client.put("heartbeat.interval.ms", "500");
    try (KafkaRowEnvironment scene = new KafkaRowEnvironment(setting, options)) {
      scene.produce();
      return scene.result(name, setting.messages() + " bodies of " + BODY_BYTES + " bytes");
    }
  }
}
