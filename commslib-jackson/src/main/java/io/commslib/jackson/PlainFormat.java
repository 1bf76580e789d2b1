package io.commslib.jackson;

import io.commslib.core.format.PlainFormatBuilder;
import io.commslib.core.format.ValueSource;

/**
 * The format of plain JSON records, as programs in other languages write them: the body is the data
 * and nothing else. Values of the message may stand in the body.
 *
 * <pre>{@code
 * MessageFormat plain =
 *     PlainFormat.json().type("order.created").id(field("eventId")).key(recordKey()).build();
 * }</pre>
 */
public final class PlainFormat {

  private PlainFormat() {}

  /**
   * Starts a format of plain JSON with the limits of {@link JacksonCodec#create()}.
   *
   * @return builder of a format with {@code application/json} as the media type
   */
  public static PlainFormatBuilder json() {
    return json(JacksonCodec.create());
  }

  /**
   * Starts a format of plain JSON.
   *
   * <p>The body is read only if a value stands in it, and then whole: malformed JSON ({@code
   * COMMS-JACKSON-003}), any property that occurs twice in its object (also {@code
   * COMMS-JACKSON-003}), a body over a limit ({@code COMMS-JACKSON-002}), and an object or array in
   * the place of a value ({@code COMMS-JACKSON-006}) make the record a dead letter. A JSON null is
   * no value.
   *
   * @param codec codec whose limits apply
   * @return builder of a format with {@code application/json} as the media type
   */
  public static PlainFormatBuilder json(JacksonCodec codec) {
    return PlainFormatBuilder.of(new JsonValues(codec));
  }

  /**
   * A value in a property of the JSON object that is the body.
   *
   * @param name name of the property, taken literally
   * @return the source
   */
  public static ValueSource field(String name) {
    return ValueSource.body("/" + name.replace("~", "~0").replace("/", "~1"));
  }

  /**
   * A value anywhere in the JSON of the body.
   *
   * @param pointer a JSON pointer (RFC 6901) such as {@code /order/lines/0/id}; not empty
   * @return the source
   */
  public static ValueSource pointer(String pointer) {
    return ValueSource.body(pointer);
  }
}
