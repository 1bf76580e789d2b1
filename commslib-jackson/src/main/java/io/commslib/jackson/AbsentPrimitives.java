package io.commslib.jackson;

import java.lang.reflect.Array;
import tools.jackson.databind.BeanDescription;
import tools.jackson.databind.DeserializationConfig;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.deser.ValueDeserializerModifier;
import tools.jackson.databind.deser.std.DelegatingDeserializer;
import tools.jackson.databind.module.SimpleModule;

/**
 * Allows JSON without a primitive component of a record. Jackson before 3.2 refuses that if it
 * refuses nulls, but a sender of an older version does not send the components of a newer record.
 */
final class AbsentPrimitives extends ValueDeserializerModifier {

  private static final long serialVersionUID = 1L;

  private AbsentPrimitives() {}

  static SimpleModule module() {
    return new SimpleModule("commslib-absent-primitives")
        .setDeserializerModifier(new AbsentPrimitives());
  }

  @Override
  public ValueDeserializer<?> modifyDeserializer(
      DeserializationConfig config,
      BeanDescription.Supplier description,
      ValueDeserializer<?> deserializer) {
    Class<?> type = description.getBeanClass();
    return type.isPrimitive() && type != void.class
        ? new Primitive(deserializer, Array.get(Array.newInstance(type, 1), 0))
        : deserializer;
  }

  private static final class Primitive extends DelegatingDeserializer {

    private final Object absent;

    Primitive(ValueDeserializer<?> deserializer, Object absent) {
      super(deserializer);
      this.absent = absent;
    }

    @Override
    protected ValueDeserializer<?> newDelegatingInstance(ValueDeserializer<?> deserializer) {
      return new Primitive(deserializer, absent);
    }

    @Override
    public Object getAbsentValue(DeserializationContext context) {
      return absent;
    }
  }
}
