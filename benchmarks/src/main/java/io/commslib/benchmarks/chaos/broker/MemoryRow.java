package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.RowResult;

/** Large bodies and a small heap; the members' processes end at the first lack of memory. */
final class MemoryRow {

  private static final int HEAP_MEGABYTES = 128;
  private static final int BODY_BYTES = 1_000_000;

  private MemoryRow() {}

  static RowResult run(String name, ChaosOptions options) throws Exception {
    RowSetup setup = new RowSetup(options.bySize(10, 100, 500));
    setup.membersAsProcesses = true;
    setup.memberCount = 1;
    setup.producerCount = 2;
    setup.keys = 10;
    setup.heapMegabytes = HEAP_MEGABYTES;
    setup.bodyBytes = BODY_BYTES;
    setup.brokerSettings.put("message.max.bytes", "2097152");
    setup.clientSettings.put("heartbeat.interval.ms", "500");
    try (KafkaRowEnvironment environment = new KafkaRowEnvironment(setup, options)) {
      environment.produce();
      return environment.result(name, setup.messages() + " bodies of " + BODY_BYTES + " bytes");
    }
  }
}
