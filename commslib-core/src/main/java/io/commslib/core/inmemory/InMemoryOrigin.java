package io.commslib.core.inmemory;

import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.RecordHeader;
import io.commslib.core.messaging.RecordOrigin;
import io.commslib.core.messaging.RecordPosition;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A published record with what the transport adds for the format of a destination.
 *
 * @param published the record as it was published
 * @param boundName name of the destination
 * @param assignedId id for a format that finds none; null if none is needed
 */
record InMemoryOrigin(ForeignRecord published, String boundName, @Nullable String assignedId)
    implements RecordOrigin {

  /** {@return the record as a subscription of a destination with a format receives it} */
  static ForeignRecord received(
      ForeignRecord published, String boundName, @Nullable String assignedId) {
    return new ForeignRecord(
        published.keyText().orElse(null),
        published.texts(),
        published.bodyBuffer(),
        new InMemoryOrigin(published, boundName, assignedId));
  }

  @Override
  public byte @Nullable [] key() {
    return published.key().orElse(null);
  }

  @Override
  public List<RecordHeader> headers() {
    return published.headers();
  }

  @Override
  public boolean hasBody() {
    return published.hasBody();
  }

  @Override
  public @Nullable String exchange() {
    return published.exchange().orElse(null);
  }

  @Override
  public @Nullable String routingKey() {
    return published.routingKey().orElse(null);
  }

  @Override
  public Map<String, Object> properties() {
    return published.properties();
  }

  @Override
  public @Nullable RecordPosition position() {
    return published.position().orElse(null);
  }
}
