package io.commslib.saga;

import io.commslib.jdbc.SchemaScripts;

/** The tables of the sagas. */
public final class SagaSchema {

  private SagaSchema() {}

  /**
   * Returns the scripts, version 1. Apply them once per schema, or run the SQL that they print with
   * your own migration tool.
   *
   * @return the scripts
   */
  public static SchemaScripts scripts() {
    return SchemaScripts.of("saga", 1, SagaSchema.class);
  }
}
