package io.commslib.core.format;

import io.commslib.core.checks.Checks;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.function.IntFunction;

/**
 * Formats for bodies in the frame of Confluent's serializers: a zero, the id of the schema in 4
 * bytes, and the data. The schema id gives the type and the version of the message; its body is the
 * data without the frame, for the codec that the application registers for them. The format asks no
 * registry. The message indexes of Protobuf belong to the data.
 *
 * <p>A record with an unknown schema id is a dead letter ({@code COMMS-CORE-034}), and so is one
 * whose frame is truncated or begins with another byte ({@code COMMS-CORE-031}). A message whose
 * type and version have no schema id is not written.
 */
public final class ConfluentFormat {

  /**
   * The type and version that a schema id stands for.
   *
   * @param type type of the messages
   * @param version version of the type, from 1 on
   */
  public record Schema(String type, int version) {

    /**
     * Checks the values.
     *
     * @param type type of the messages, 1 to 128 printable ASCII characters
     * @param version 1 to 1,000,000
     */
    public Schema {
      Checks.printable("type", type, 128);
      Checks.inRange("version", version, 1, 1_000_000);
    }
  }

  private ConfluentFormat() {}

  /**
   * Starts a format with a closed list of schemas.
   *
   * @param contentType media type of the data, such as {@code application/avro}
   * @param schemas schema id to type and version; of several ids of one type and version, the
   *     largest is written
   * @return builder with the assigned id, the record's key, and the bound name as source
   */
  public static PlainFormatBuilder schemas(String contentType, Map<Integer, Schema> schemas) {
    Map<Integer, Schema> known = Map.copyOf(schemas);
    Map<Schema, Integer> ids = new HashMap<>();
    known.forEach((id, schema) -> ids.merge(schema, id, Math::max));
    return schemas(
        contentType,
        id -> Optional.ofNullable(known.get(id)),
        schema -> {
          Integer id = ids.get(schema);
          return id == null ? OptionalInt.empty() : OptionalInt.of(id);
        });
  }

  /**
   * Starts a format that asks functions of the application. They are called for each message on the
   * worker or the publisher's thread, so they must not block. A read for which one throws is a
   * failed attempt; a publish for which one throws fails {@code NOT_SENT}.
   *
   * @param contentType media type of the data, such as {@code application/avro}
   * @param schemas schema id to type and version; empty if it is not known
   * @param ids type and version to the schema id that is written; empty if there is none
   * @return builder with the assigned id, the record's key, and the bound name as source
   */
  public static PlainFormatBuilder schemas(
      String contentType,
      IntFunction<Optional<Schema>> schemas,
      Function<Schema, OptionalInt> ids) {
    return PlainFormatBuilder.framed(
        contentType,
        new SchemaFrame(
            Objects.requireNonNull(schemas, "schemas"), Objects.requireNonNull(ids, "ids")));
  }
}
