package io.commslib.saga;

import io.commslib.jdbc.SchemaScripts;

/** The tables of the sagas. */
public final class SagaSchema {

  private SagaSchema() {}

  /**
   * Returns the scripts, version 1.
   *
   * @return apply them once per schema, or let your own migration tool run what they print
   */
  public static SchemaScripts scripts() {
    return SchemaScripts.of("saga", 1, SagaSchema.class);
  }
}
