package io.commslib.testkit.simulation;

import io.commslib.core.engine.RawDelivery;
import io.commslib.core.messaging.ForeignRecord;
import java.util.Optional;

/** A record on its way from a model to the engine. */
final class ModelDelivery implements RawDelivery {

  private final Object scope;
  private final ForeignRecord wire;
  private final long number;
  private final int priorDeliveries;
  private boolean settled;

  ModelDelivery(Object scope, ForeignRecord wire, long number, int priorDeliveries) {
    this.scope = scope;
    this.wire = wire;
    this.number = number;
    this.priorDeliveries = priorDeliveries;
  }

  String id() {
    return String.valueOf(wire.texts().get("ce_id"));
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
    return wire.keyText();
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
  public ForeignRecord wire() {
    return wire;
  }

  @Override
  public String positionText() {
    return "simulated@" + number;
  }
}
