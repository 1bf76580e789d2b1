package io.commslib.outbox;

import io.commslib.jdbc.SchemaScripts;

/** The tables of the outbox. */
public final class OutboxSchema {

  private OutboxSchema() {}

  /**
   * Returns the scripts, version 1.
   *
   * @return apply them once per schema, or let your own migration tool run what they print
   */
  public static SchemaScripts scripts() {
    return SchemaScripts.of("outbox", 1, OutboxSchema.class);
  }
}
