package io.commslib.benchmarks.chaos.broker;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.redrive.Redrive;
import io.commslib.core.redrive.RedriveSelection;
import io.commslib.core.time.SystemRuntime;

/** Redrives all dead letters of the judged group, in a separate process. */
public final class RedriveProcess {

  static final String READY = "redrives";

  private static final int MAX_MESSAGE_BYTES = 2 * 1024 * 1024;

  private RedriveProcess() {}

  /** Arguments: kind of broker, its address, source, dead letters per second. */
  public static void main(String[] arguments) {
    Destination source = Destination.parse(arguments[2]);
    Broker.Kind kind = Broker.Kind.valueOf(arguments[0]);
    try (SystemRuntime runtime = SystemRuntime.create();
        MessageTransport transport = kind.open(arguments[1], MAX_MESSAGE_BYTES)) {
      transport.declare(ProcessRowEnvironment.declaration(source).build());
      Redrive redrive =
          Redrive.builder(transport.deadLetters(), runtime)
              .maxPerSecond(Integer.parseInt(arguments[3]))
              .build();
      System.out.println(READY + ", causes: " + redrive.groups(source, GroupMembers.GROUP).size());
      redrive.run(source, GroupMembers.GROUP, RedriveSelection.all(), "chaos", "cured");
    }
    Runtime.getRuntime().halt(0);
  }
}
