package io.commslib.core.format;

import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import java.util.Objects;
import java.util.Optional;

/**
 * The format of records that the outbox event router of Debezium writes. Immutable; thread-safe.
 *
 * <p>Of rows of this library's outbox, written as {@code docs/debezium.md} configures it, the
 * header {@code commslib-headers} has all attributes. Source and id are those of the message, so
 * the identity is the same as through the relay. A row with the source {@code /} is refused, since
 * the relay would replace it by the source of its transport. The key is the record's key. The text
 * comes from outside: one with a header that only the library writes is refused.
 *
 * <p>Rows of other outboxes are read by another format, by default {@link #rows()}.
 */
public final class DebeziumFormat implements MessageFormat {

  private final MessageFormat others;

  private DebeziumFormat(MessageFormat others) {
    this.others = others;
  }

  /**
   * Returns the format of the router with {@link #rows()} for rows of other outboxes.
   *
   * @return the format
   */
  public static DebeziumFormat router() {
    return router(rows().build());
  }

  /**
   * Returns the format of the router.
   *
   * @param others reads records without {@code commslib-headers}, and writes all messages
   * @return the format
   */
  public static DebeziumFormat router(MessageFormat others) {
    return new DebeziumFormat(Objects.requireNonNull(others, "others"));
  }

  /**
   * Starts the format of rows of other outboxes, in the router's default form: the header {@code
   * id} has the id, {@code eventType} the type (placed by {@code
   * table.fields.additional.placement=type:header:eventType}), the body the payload. An expanded
   * JSON payload needs a converter without schemas. With {@code PlainFormat.json()} the same
   * sources can be combined with values of the payload.
   *
   * @return builder with {@code application/json}, the record's key, and the bound name as source
   */
  public static PlainFormatBuilder rows() {
    return PlainFormatBuilder.bytes("application/json")
        .id(ValueSource.header("id"))
        .type(ValueSource.header("eventType"));
  }

  @Override
  public String name() {
    return "Debezium router, others " + others.name();
  }

  /**
   * Reads a record.
   *
   * @throws io.commslib.core.CodecException {@code COMMS-CORE-031} if {@code commslib-headers} is
   *     malformed or not UTF-8, has no id, source or type, has the source {@code /} of an outbox
   *     without a source, or has a header that only the library writes; or as the format of the
   *     other records
   */
  @Override
  public Message read(ForeignRecord record) {
    return isOurs(record) ? OutboxRowHeaders.read(record) : others.read(record);
  }

  private static boolean isOurs(ForeignRecord record) {
    return record.hasBody() && record.texts().find(ForeignRecord.ROW_HEADERS) >= 0;
  }

  /** Writes a message as the format of the other records does. */
  @Override
  public ForeignRecord write(Message message) {
    return others.write(message);
  }

  @Override
  public boolean alwaysFindsId() {
    return others.alwaysFindsId();
  }

  @Override
  public Optional<String> orderingKey(ForeignRecord record) {
    return isOurs(record) ? MessageFormat.super.orderingKey(record) : others.orderingKey(record);
  }

  @Override
  public boolean needs(String headerName) {
    return headerName.equals(ForeignRecord.ROW_HEADERS) || others.needs(headerName);
  }
}
