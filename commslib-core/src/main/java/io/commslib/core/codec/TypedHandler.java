package io.commslib.core.codec;

import io.commslib.core.CodecException;
import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A handler with one method per event class. Decoding is part of handling: a message whose type is
 * unknown, has no method here or can't be decoded goes to the dead letters immediately and is never
 * skipped. {@link Builder#otherwise} settles messages of other types, for a topic on which others
 * publish theirs. Immutable.
 *
 * <pre>{@code
 * TypedHandler handler =
 *     TypedHandler.builder(types)
 *         .on(OrderPlaced.class, (event, delivery) -> ship(event.orderId(), delivery))
 *         .build();
 * }</pre>
 */
public final class TypedHandler implements MessageHandler {

  /**
   * Handles events of one class. Users implement it.
   *
   * @param <E> class of the events
   */
  @FunctionalInterface
  public interface EventHandler<E> {

    /**
     * Handles one event; see {@link MessageHandler#handle}.
     *
     * @param event the decoded body
     * @param delivery the message and the state of its delivery
     * @return the settlement
     * @throws Exception to let the subscription's classifier decide
     */
    Settlement handle(E event, Delivery delivery) throws Exception;
  }

  private final TypeRegistry types;
  private final Map<Class<?>, EventHandler<Object>> handlers;
  private final @Nullable Settlement otherwise;

  private TypedHandler(Builder builder) {
    this.types = builder.types;
    this.handlers = Map.copyOf(builder.handlers);
    this.otherwise = builder.otherwise;
  }

  /**
   * Starts a handler.
   *
   * @param types the types of the service
   * @return new builder
   */
  public static Builder builder(TypeRegistry types) {
    return new Builder(types);
  }

  /**
   * Decodes the body and calls the method registered for its class. A message of another type is
   * settled as {@link Builder#otherwise} says, without decoding it.
   *
   * @throws CodecException {@code COMMS-CORE-012} for an unknown type or version, {@code
   *     COMMS-CORE-013} if there is no method for it, or the codec's exception; all {@code
   *     PERMANENT}
   */
  @Override
  public Settlement handle(Delivery delivery) throws Exception {
    Message message = delivery.message();
    TypeRegistry.Entry entry = types.find(message);
    if (otherwise != null && isOther(message, entry)) {
      return otherwise;
    }
    Object event = types.decode(message, entry);
    EventHandler<Object> handler = handlers.get(event.getClass());
    if (handler == null) {
      throw new CodecException(
          "COMMS-CORE-013",
          "type: "
              + message.type()
              + " (expected: one with a handler on("
              + event.getClass().getSimpleName()
              + ".class, ...) of the TypedHandler)",
          null);
    }
    return handler.handle(event, delivery);
  }

  /** {@return whether {@link Builder#otherwise} is set} */
  @Override
  public boolean acceptsUnknownTypes() {
    return otherwise != null;
  }

  /** A version that is not registered of a type that is may be meant for this handler. */
  private boolean isOther(Message message, TypeRegistry.@Nullable Entry entry) {
    return entry == null ? !types.hasType(message.type()) : !handlers.containsKey(entry.javaType());
  }

  /** Collects the methods. Not thread-safe. */
  public static final class Builder {
    private final TypeRegistry types;
    private final Map<Class<?>, EventHandler<Object>> handlers = new HashMap<>();
    private @Nullable Settlement otherwise;

    private Builder(TypeRegistry types) {
      this.types = Objects.requireNonNull(types, "types");
    }

    /**
     * Adds the method for a class of events. At least one is required.
     *
     * @param <E> class of the events
     * @param type class that is registered in the registry
     * @param handler handles the events
     * @return this
     * @throws IllegalArgumentException if the class is not registered or has a method already
     */
    public <E> Builder on(Class<E> type, EventHandler<? super E> handler) {
      Objects.requireNonNull(handler, "handler");
      Checks.check(types.contains(type), "on", type.getName(), "a class of the type registry");
      EventHandler<Object> untyped =
          (event, delivery) -> handler.handle(type.cast(event), delivery);
      Checks.check(
          handlers.putIfAbsent(type, untyped) == null,
          "on",
          type.getName(),
          "one handler per class");
      return this;
    }

    /**
     * Sets the settlement of messages of other types: those of a type that is not registered in any
     * version, and those of a registered class without a method here. They are not decoded. A
     * version that is not registered of a registered type is still a dead letter, since it is most
     * likely meant for this handler. The same applies to types that the format of the destination
     * does not list, unless the handler is called by a lambda: such types reach a handler in
     * another one only if that is made by {@link MessageHandler#wrappedIn}.
     *
     * @param settlement {@code done}, {@code drop} or {@code deadLetter}, for example {@code
     *     Settlement.drop("NOT_MINE")}; by default such a message is a dead letter, {@code
     *     COMMS-CORE-012} or {@code COMMS-CORE-013}
     * @return this
     * @throws IllegalArgumentException if the settlement would handle the message again
     */
    public Builder otherwise(Settlement settlement) {
      Settlement.Kind kind = settlement.kind();
      Checks.check(
          kind == Settlement.Kind.DONE
              || kind == Settlement.Kind.DROP
              || kind == Settlement.Kind.DEAD_LETTER,
          "otherwise",
          kind,
          "done, drop or deadLetter");
      this.otherwise = settlement;
      return this;
    }

    /**
     * Builds the handler.
     *
     * @return immutable handler
     * @throws IllegalArgumentException if there is no method, since it would dead-letter every
     *     message
     */
    public TypedHandler build() {
      Checks.check(!handlers.isEmpty(), "on", "none", "a handler for one class or more");
      return new TypedHandler(this);
    }
  }
}
