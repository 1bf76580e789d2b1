package io.commslib.testkit.contract;

import io.commslib.testkit.sabotage.Saboteur;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Names the saboteurs that make a rule of the contract fail. The tests of the testkit run each
 * pair.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface BrokenBy {

  /**
   * Returns the saboteurs.
   *
   * @return one or more
   */
  Saboteur[] value();
}
