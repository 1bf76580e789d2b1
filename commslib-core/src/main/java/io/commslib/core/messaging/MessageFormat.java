package io.commslib.core.messaging;

import io.commslib.core.CodecException;
import java.util.Optional;

/**
 * Reads records of a broker as messages and writes messages as records. A destination without a
 * format of its own uses CloudEvents in binary mode. Applications take a format of {@code
 * io.commslib.core.format} or of a codec module, or write one. Immutable; thread-safe.
 */
public interface MessageFormat {

  /** {@return the name of the format with its settings, for logs} */
  String name();

  /**
   * Reads a record. Called on a worker of the subscription, for each first attempt on a record and
   * for each listing of dead letters; must not block.
   *
   * @param record the record as the broker has it
   * @return the message; one with the same id and the same source for each delivery of the record
   * @throws CodecException if the record is not of this format: it becomes a dead letter with the
   *     record as it is, and the code as its reason. With {@link UnknownTypeException} it reaches a
   *     handler that settles messages of unknown types. Any other exception is a failed attempt
   */
  Message read(ForeignRecord record);

  /**
   * Writes a message. Called on the thread of the publisher; must not block. The adapter adds the
   * address: topic, or exchange and routing key.
   *
   * @param message the message; its source is never empty
   * @return the record
   * @throws CodecException if the format can't write the message: the publish fails {@code
   *     NOT_SENT}, and a retry would fail too. So does any other exception, unless it is an outage,
   *     such as a failure of the library of kind {@code TRANSIENT}: a retry may then succeed
   */
  ForeignRecord write(Message message);

  /**
   * Returns whether the format finds an id in every record that it can read. If it may find none,
   * the adapter assigns an id, as {@link ForeignRecord#assignedId()} describes, and refuses a
   * subscription for which it can't.
   *
   * @return whether {@link #read} never asks for the assigned id
   */
  boolean alwaysFindsId();

  /**
   * Returns the key whose messages keep their order, without reading the message. Called for each
   * record on the thread that takes records from the broker, so it must be quick and must not
   * block.
   *
   * @param record the record
   * @return the key, as {@link OrderingKeys} writes it; empty for no order. By default the key of
   *     the record. A record for which this fails has no order
   */
  default Optional<String> orderingKey(ForeignRecord record) {
    return record.key().map(OrderingKeys::of);
  }

  /**
   * Returns whether a record is of this format. Asked where a destination has several formats.
   *
   * @param record the record
   * @return true by default
   */
  default boolean reads(ForeignRecord record) {
    return true;
  }

  /**
   * Returns whether the format needs a header to read the record again. A dead letter that its
   * target refuses as too large is written without the other headers.
   *
   * @param headerName name of a header, as in the record
   * @return true by default, for every header
   */
  default boolean needs(String headerName) {
    return true;
  }
}
