package io.commslib.core.inmemory;

import io.commslib.core.engine.RawDelivery;
import io.commslib.core.messaging.ForeignRecord;
import java.util.Optional;

/** A message that a member has taken. Immutable. */
record StoredMessage(GroupMember member, KeyQueue queue, KeyQueue.Waiting message, String group)
    implements RawDelivery {

  long number() {
    return message.number();
  }

  @Override
  public Object scope() {
    return member;
  }

  @Override
  public Optional<String> laneKey() {
    return Optional.ofNullable(queue.key);
  }

  @Override
  public int sizeBytes() {
    return message.sizeBytes();
  }

  @Override
  public int priorDeliveries() {
    return message.priorDeliveries();
  }

  @Override
  public ForeignRecord wire() {
    return message.wire();
  }

  @Override
  public String positionText() {
    return group + "@" + number();
  }
}
