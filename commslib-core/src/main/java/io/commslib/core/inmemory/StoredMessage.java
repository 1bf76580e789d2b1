package io.commslib.core.inmemory;

import io.commslib.core.spi.RawDelivery;
import io.commslib.core.spi.WireMessage;
import java.util.Optional;

/** A message kept for one group: its place in line, and how often it was handed over in vain. */
record StoredMessage(
    Member member, String place, long number, WireMessage wire, int priorDeliveries)
    implements RawDelivery {

  @Override
  public Object scope() {
    return member;
  }

  @Override
  public Optional<String> laneKey() {
    return wire.key();
  }

  @Override
  public int sizeBytes() {
    return wire.sizeBytes();
  }

  @Override
  public String positionText() {
    return place + "@" + number;
  }
}
