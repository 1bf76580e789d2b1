package io.commslib.core.format;

import io.commslib.core.checks.Checks;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * The place of a record from which a format reads the value of an attribute, and to which it writes
 * the value. Several places can be tried in turn with {@link #or}. Immutable; thread-safe.
 */
public final class ValueSource {

  /** The kinds of places. */
  enum Kind {
    CONSTANT("constant"),
    HEADER("header"),
    PROPERTY("property"),
    ROUTING_KEY("routing key"),
    RECORD_KEY("record key"),
    BOUND_NAME("bound name"),
    ASSIGNED_ID("assigned id"),
    BODY("body");

    final String text;

    Kind(String text) {
      this.text = text;
    }

    /** Whether only the adapter knows the value, which a record to be written does not have. */
    boolean isAdapters() {
      return this == ROUTING_KEY || this == BOUND_NAME || this == ASSIGNED_ID;
    }
  }

  /** One place. */
  record Place(Kind kind, String name) {
    @Override
    public String toString() {
      return name.isEmpty() ? kind.text : kind.text + " " + name;
    }
  }

  /** Properties of AMQP that a format may read and write. */
  static final Set<String> PROPERTIES =
      Set.of("app-id", "correlation-id", "message-id", "reply-to", "timestamp", "type");

  private final List<Place> places;

  private ValueSource(List<Place> places) {
    this.places = places;
  }

  private static ValueSource of(Kind kind, String name) {
    return new ValueSource(List.of(new Place(kind, name)));
  }

  /**
   * A value that all records have and that is not written.
   *
   * @param value 1 to 256 characters without control characters
   * @return the source
   */
  public static ValueSource constant(String value) {
    return of(Kind.CONSTANT, Checks.text("constant", value, 1, 256));
  }

  /**
   * The first header of a name, as text in UTF-8; a number or boolean of AMQP as its text. A header
   * without a value, or whose bytes are not UTF-8, is not found.
   *
   * @param name name of the header, in the case that the record has; 1 to 256 characters. Names of
   *     the library, with the prefix {@code commslib-}, are refused
   * @return the source
   */
  public static ValueSource header(String name) {
    Checks.check(!name.startsWith("commslib-"), "header", name, "no prefix commslib-");
    return of(Kind.HEADER, Checks.text("header", name, 1, 256));
  }

  /**
   * A property of AMQP. No record of Kafka has one.
   *
   * @param name one of {@code app-id, correlation-id, message-id, reply-to, timestamp, type}
   * @return the source
   */
  public static ValueSource property(String name) {
    Checks.check(PROPERTIES.contains(name), "property", name, "one of " + sorted());
    return of(Kind.PROPERTY, name);
  }

  private static List<String> sorted() {
    return PROPERTIES.stream().sorted().toList();
  }

  /**
   * The routing key of a record of RabbitMQ. No record of Kafka has one. It is not written, since
   * the address belongs to the binding of the destination.
   *
   * @return the source
   */
  public static ValueSource routingKey() {
    return of(Kind.ROUTING_KEY, "");
  }

  /**
   * The key of a record of Kafka; on RabbitMQ the header {@code cloudEvents_partitionkey}. A key
   * that is no text has the form of {@link io.commslib.core.messaging.OrderingKeys}.
   *
   * @return the source
   */
  public static ValueSource recordKey() {
    return of(Kind.RECORD_KEY, "");
  }

  /**
   * The name to which the destination is bound: the topic, the exchange or the queue. It is not
   * written.
   *
   * @return the source
   */
  public static ValueSource boundName() {
    return of(Kind.BOUND_NAME, "");
  }

  /**
   * The id that the adapter assigns, as {@link
   * io.commslib.core.messaging.ForeignRecord#assignedId()} describes. It is not written.
   *
   * @return the source
   */
  public static ValueSource assignedId() {
    return of(Kind.ASSIGNED_ID, "");
  }

  /**
   * A value in the body. The format must have a {@link BodyReader}. It is not written: the body is
   * the application's, and a message whose body has another value there is refused.
   *
   * @param path a path in the language of the body reader, for JSON a pointer such as {@code
   *     /order/id}
   * @return the source
   */
  public static ValueSource body(String path) {
    return of(Kind.BODY, Objects.requireNonNull(path, "path"));
  }

  /**
   * Adds a source that is tried where this one finds nothing. A value is written to the first of
   * them.
   *
   * @param other the next source
   * @return both, in this order
   */
  public ValueSource or(ValueSource other) {
    List<Place> all = new ArrayList<>(places);
    all.addAll(other.places);
    return new ValueSource(List.copyOf(all));
  }

  List<Place> places() {
    return places;
  }

  Place first() {
    return places.get(0);
  }

  boolean has(Kind kind) {
    return places.stream().anyMatch(place -> place.kind() == kind);
  }

  /** {@return the value of a property as text} */
  static @org.jspecify.annotations.Nullable String property(
      Map<String, Object> properties, String name) {
    Object value = properties.get(name);
    return value == null ? null : value.toString();
  }

  /** {@return the places, for logs} */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (Place place : places) {
      text.append(text.isEmpty() ? "" : " or ").append(place);
    }
    return text.toString();
  }
}
