package io.commslib.core.codec;

import io.commslib.core.CodecException;
import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Message;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The closed list of the message types of a service, each with logical name, version, class and
 * codec. A message never causes a class to be loaded. Immutable.
 *
 * <pre>{@code
 * TypeRegistry types =
 *     TypeRegistry.builder(JacksonCodec.create())
 *         .register("order.placed", OrderPlaced.class)
 *         .build();
 * Message message = types.message(new OrderPlaced("o-1", 3)).key("o-1").build();
 * }</pre>
 */
public final class TypeRegistry {

  /** A registered version of a type. Immutable. */
  record Entry(String type, int version, Class<?> javaType, Codec codec) {}

  private final Map<String, Entry> byName;
  private final Map<Class<?>, Entry> byClass;
  private final Set<String> names;

  private TypeRegistry(Map<String, Entry> byName, Map<Class<?>, Entry> byClass) {
    this.byName = Map.copyOf(byName);
    this.byClass = Map.copyOf(byClass);
    this.names = byName.values().stream().map(Entry::type).collect(Collectors.toUnmodifiableSet());
  }

  /**
   * Starts a registry with a default codec.
   *
   * @param codec codec of types that are registered without one
   * @return new builder
   */
  public static Builder builder(Codec codec) {
    return new Builder(codec);
  }

  /**
   * Starts a message with an event as body.
   *
   * @param event value of a registered class
   * @return builder with type, version, content type and body set
   * @throws CodecException {@code COMMS-CORE-011} if its class is not registered, or the codec's
   *     exception
   */
  public Message.Builder message(Object event) {
    Entry entry = byClass.get(event.getClass());
    if (entry == null) {
      throw new CodecException(
          "COMMS-CORE-011",
          "class: "
              + event.getClass().getName()
              + " (expected: one that is registered in the TypeRegistry, for a type of "
              + types()
              + ")",
          null);
    }
    return Message.builder(entry.type)
        .version(entry.version)
        .contentType(entry.codec.contentType())
        .sharedBody(entry.codec.encode(event));
  }

  /**
   * Decodes the event in a message.
   *
   * @param message the message
   * @return value of the class registered for its type
   * @throws CodecException {@code COMMS-CORE-012} if its type or version is not registered, or the
   *     codec's exception
   */
  public Object decode(Message message) {
    return decode(message, find(message));
  }

  /** Returns the registered version of a message's type; null if there is none. */
  @Nullable Entry find(Message message) {
    return byName.get(key(message.type(), message.version()));
  }

  /** Whether any version of a type is registered. */
  boolean hasType(String type) {
    return names.contains(type);
  }

  Object decode(Message message, @Nullable Entry entry) {
    if (entry == null) {
      throw new CodecException(
          "COMMS-CORE-012",
          "type: "
              + key(message.type(), message.version())
              + " (expected: one that is registered in the TypeRegistry: "
              + types()
              + ")",
          null);
    }
    return entry.codec.decode(message.sharedBodyBuffer(), entry.javaType);
  }

  /**
   * Returns whether a class is registered.
   *
   * @param javaType the class
   * @return whether it is registered
   */
  public boolean contains(Class<?> javaType) {
    return byClass.containsKey(javaType);
  }

  private Set<String> types() {
    return new TreeSet<>(byName.keySet());
  }

  private static String key(String type, int version) {
    return type + " v" + version;
  }

  /** Collects the types. Not thread-safe. */
  public static final class Builder {
    private final Codec codec;
    private final Map<String, Entry> byName = new HashMap<>();
    private final Map<Class<?>, Entry> byClass = new HashMap<>();

    private Builder(Codec codec) {
      this.codec = Objects.requireNonNull(codec, "codec");
    }

    /**
     * Registers version 1 of a type with the default codec.
     *
     * @param type logical name
     * @param javaType class of its events
     * @return this
     */
    public Builder register(String type, Class<?> javaType) {
      return register(type, 1, javaType, codec);
    }

    /**
     * Registers a type; adds to those that are registered already.
     *
     * @param type logical name
     * @param version version of the schema, 1 to 1,000,000
     * @param javaType class of its events
     * @param codec codec of its events
     * @return this
     * @throws IllegalArgumentException if the type and version, or the class, are registered
     *     already, or if no value can have exactly this class: an interface, an abstract class, a
     *     primitive type, or an enum whose constants have bodies
     */
    public Builder register(String type, int version, Class<?> javaType, Codec codec) {
      Checks.inRange("version", version, 1, 1_000_000);
      Objects.requireNonNull(javaType, "javaType");
      Objects.requireNonNull(codec, "codec");
      Checks.check(
          isClassOfValues(javaType),
          "class",
          javaType.getName(),
          "the exact class of events: no interface, abstract class, primitive type, or"
              + " enum whose constants have bodies");
      Entry entry = new Entry(Objects.requireNonNull(type, "type"), version, javaType, codec);
      Checks.check(
          byName.putIfAbsent(key(type, version), entry) == null,
          "type",
          key(type, version),
          "registered once");
      Checks.check(
          byClass.putIfAbsent(javaType, entry) == null,
          "class",
          javaType.getName(),
          "registered once");
      return this;
    }

    /** Events are found by their exact class, so only a class of values can be registered. */
    private static boolean isClassOfValues(Class<?> javaType) {
      if (javaType.isEnum()) {
        return Arrays.stream(javaType.getEnumConstants())
            .allMatch(constant -> constant.getClass() == javaType);
      }
      return javaType.isArray()
          || !(javaType.isPrimitive() || Modifier.isAbstract(javaType.getModifiers()));
    }

    /**
     * Builds the registry.
     *
     * @return immutable registry
     */
    public TypeRegistry build() {
      return new TypeRegistry(byName, byClass);
    }
  }
}
