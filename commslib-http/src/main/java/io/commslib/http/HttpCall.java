package io.commslib.http;

import io.commslib.core.call.Idempotency;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A method of a typed client, see {@link HttpService#client}. The method's first parameters are the
 * values of the template's variables, in order; one more parameter is the body, which the service's
 * codec encodes. A parameter with {@link CallKey} is the idempotency key. The result is decoded by
 * the codec; {@code void}, {@link HttpReply} and {@code Optional}, which is empty for 404, are
 * results too.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
public @interface HttpCall {

  /**
   * The method and the template, such as {@code GET /prices/{article}?currency={currency}}.
   *
   * @return the method and the template
   */
  String value();

  /**
   * The effect of a repetition: none or one value. By default it is that of the method: {@code
   * SAFE} for GET and HEAD, {@code IDEMPOTENT} for PUT and DELETE, {@code NON_IDEMPOTENT} for all
   * others.
   *
   * @return none or one value
   */
  Idempotency[] idempotency() default {};
}
