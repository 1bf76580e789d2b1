package io.commslib.http;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The parameter of a typed client's method that is the caller's own idempotency key, as {@link
 * ServiceCall#key}: a text of 1 to 255 printable ASCII characters, for example the id of an order.
 * It may stand anywhere and is neither a variable nor the body. At most one parameter of a method
 * has it, whose {@link HttpCall#idempotency} is then {@code KEYED}. Without it each call of such a
 * method has a new random key.
 */
@Target(ElementType.PARAMETER)
@Retention(RetentionPolicy.RUNTIME)
public @interface CallKey {}
