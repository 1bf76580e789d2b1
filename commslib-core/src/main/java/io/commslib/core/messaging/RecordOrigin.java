package io.commslib.core.messaging;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a record that a {@link ForeignRecord} does not hold as text. Adapters implement it
 * over their client's record; it is read on demand. Immutable; thread-safe.
 */
public interface RecordOrigin {

  /** {@return the bytes of the key, not copied; null if the record has none} */
  byte @Nullable [] key();

  /** {@return all headers in their order, including repeated ones and those of the library} */
  List<RecordHeader> headers();

  /** {@return whether the record has a body; false for a tombstone} */
  boolean hasBody();

  /**
   * {@return the exchange to which the record was published; null on a broker without exchanges}
   */
  default @Nullable String exchange() {
    return null;
  }

  /** {@return the routing key of the record; null on a broker without routing keys} */
  default @Nullable String routingKey() {
    return null;
  }

  /**
   * {@return the properties that the protocol defines, by the protocol's names, as {@link
   * ForeignRecord#properties()} describes}
   */
  default Map<String, Object> properties() {
    return Map.of();
  }

  /** {@return the position in the log; null on a broker without positions} */
  default @Nullable RecordPosition position() {
    return null;
  }

  /** {@return the name to which the destination is bound, such as that of the topic} */
  default String boundName() {
    return "";
  }

  /**
   * {@return the id for a message whose format finds none in the record; null if the adapter
   * assigns none}
   */
  default @Nullable String assignedId() {
    return null;
  }
}
