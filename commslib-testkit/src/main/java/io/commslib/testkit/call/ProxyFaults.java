package io.commslib.testkit.call;

import io.commslib.core.checks.Checks;
import io.commslib.testkit.call.RemoteStep.Kind;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.commslib.testkit.faults.TcpFaultProxy.Direction;

/** Breaks the line to a remote as a step of a {@link RemoteScript} states it. */
public final class ProxyFaults {

  private ProxyFaults() {}

  /**
   * Breaks the line once a request has arrived and before its answer is sent.
   *
   * @param proxy the line
   * @param kind RESET, SILENCE, CUT or STALL
   * @param part the bytes of an answer that arrive before it is cut or stalls
   * @throws IllegalArgumentException if the fault of the kind is another one
   */
  public static void afterTheRequest(TcpFaultProxy proxy, Kind kind, int part) {
    switch (kind) {
      case RESET -> proxy.cut();
      case SILENCE -> proxy.blackHole(Direction.TO_CLIENT);
      case CUT -> proxy.cutAfter(Direction.TO_CLIENT, part);
      case STALL -> proxy.blackHoleAfter(Direction.TO_CLIENT, part);
      default -> Checks.check(false, "kind", kind, "RESET, SILENCE, CUT or STALL");
    }
  }
}
