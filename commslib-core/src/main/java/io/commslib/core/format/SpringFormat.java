package io.commslib.core.format;

import io.commslib.core.messaging.ForeignRecord;
import java.util.Map;

/**
 * Formats for the JSON that Spring's message converters write and read. The header {@value
 * #TYPE_ID} has the name of a Java class; a closed list gives each name its type, and no class is
 * loaded. A record with another name has an unknown type, and so has one of a collection, with
 * {@code __ContentTypeId__} or {@code __KeyTypeId__}. {@code PlainFormatBuilder.springTypes} of
 * {@code PlainFormat.json()} also takes values from the body.
 */
public final class SpringFormat {

  /** Header with the name of the class. */
  public static final String TYPE_ID = "__TypeId__";

  private static final String CONTENT_TYPE_ID = "__ContentTypeId__";
  private static final String KEY_TYPE_ID = "__KeyTypeId__";
  private static final String JSON = "application/json";

  private SpringFormat() {}

  /**
   * Starts the format of Spring Kafka's {@code JsonSerializer} and {@code JacksonJsonSerializer}.
   *
   * @param types class name, or id of its type mapping, to type
   * @return builder with the assigned id, the record's key, and the bound name as source
   */
  public static PlainFormatBuilder kafka(Map<String, String> types) {
    return PlainFormatBuilder.bytes(JSON).springTypes(types);
  }

  /**
   * Starts the format of Spring AMQP's {@code Jackson2JsonMessageConverter} and {@code
   * JacksonJsonMessageConverter}. Spring AMQP sets no {@code message-id} unless it is told to.
   *
   * @param types class name, or id of its type mapping, to type
   * @return builder with the property {@code message-id} or else the assigned id, {@code
   *     correlation-id}, {@code timestamp}, and the bound name as source
   */
  public static PlainFormatBuilder amqp(Map<String, String> types) {
    return kafka(types)
        .id(ValueSource.property("message-id").or(ValueSource.assignedId()))
        .correlationId(ValueSource.property("correlation-id"))
        .time(ValueSource.property("timestamp"));
  }

  /** Whether the header belongs to a collection, whose type is never known. */
  static boolean isOfCollection(String headerName) {
    return headerName.equals(CONTENT_TYPE_ID) || headerName.equals(KEY_TYPE_ID);
  }

  static boolean isCollection(ForeignRecord record) {
    return record.texts().containsKey(CONTENT_TYPE_ID) || record.texts().containsKey(KEY_TYPE_ID);
  }
}
