package io.commslib.testkit.call;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Names the saboteurs that make a rule of {@link CallTransportContract} fail. */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface SabotagedBy {

  /**
   * Returns the saboteurs.
   *
   * @return one or more
   */
  CallSaboteur[] value();
}
