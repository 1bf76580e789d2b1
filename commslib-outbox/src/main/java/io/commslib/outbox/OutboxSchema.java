package io.commslib.outbox;

import io.commslib.jdbc.SchemaScripts;

/** The schema scripts of the outbox's tables. */
public final class OutboxSchema {

  private OutboxSchema() {}

  /**
   * Returns the scripts of version 1. Apply them once per schema, or let a migration tool of your
   * own run the SQL that they print.
   *
   * @return the scripts
   */
  public static SchemaScripts scripts() {
    return SchemaScripts.of("outbox", 1, OutboxSchema.class);
  }
}
