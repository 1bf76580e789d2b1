package io.commslib.testkit.simulation;

import io.commslib.core.engine.RawDelivery;
import io.commslib.core.wire.WireMessage;
import java.util.Optional;

/** A record on its way from a model to the engine. */
final class ModelDelivery implements RawDelivery {

  private final Object scope;
  private final WireMessage wire;
  private final long number;
  private final int priorDeliveries;
  private boolean settled;

  ModelDelivery(Object scope, WireMessage wire, long number, int priorDeliveries) {
    this.scope = scope;
    this.wire = wire;
    this.number = number;
    this.priorDeliveries = priorDeliveries;
  }

  String id() {
    return String.valueOf(wire.headers().get("ce_id"));
  }

  long number() {
    return number;
  }

  /** Returns true at the first call. */
  boolean settle() {
    boolean first = !settled;
    settled = true;
    return first;
  }

  @Override
  public Object scope() {
    return scope;
  }

  @Override
  public Optional<String> laneKey() {
    return wire.key();
  }

  @Override
  public int sizeBytes() {
    return 100;
  }

  @Override
  public int priorDeliveries() {
    return priorDeliveries;
  }

  @Override
  public WireMessage wire() {
    return wire;
  }

  @Override
  public String positionText() {
    return "simulated@" + number;
  }
}
