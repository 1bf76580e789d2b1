package io.commslib.benchmarks.chaos.kafka;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.redrive.Redrive;
import io.commslib.core.redrive.RedriveSelection;
import io.commslib.core.time.SystemRuntime;
import io.commslib.kafka.KafkaTransport;
import io.commslib.kafka.KafkaTransportConfig;

/** Redrives all dead letters of the judged group, in a process of its own. */
public final class RedriveProcess {

  static final String BEGINS = "redrives";

  private RedriveProcess() {}

  /** Arguments: servers, source. */
  public static void main(String[] arguments) {
    Destination source = Destination.parse(arguments[1]);
    try (SystemRuntime runtime = SystemRuntime.create();
        KafkaTransport transport =
            KafkaTransport.create(KafkaTransportConfig.builder(arguments[0]).build())) {
      transport.declare(
          DestinationConfig.builder(source).partitions(KafkaScene.PARTITIONS).build());
      System.out.println(BEGINS);
      Redrive.builder(transport.deadLetters(), runtime)
          .maxPerSecond(2_000)
          .build()
          .run(source, Members.GROUP, RedriveSelection.all(), "chaos", "cured");
    }
    Runtime.getRuntime().halt(0);
  }
}
