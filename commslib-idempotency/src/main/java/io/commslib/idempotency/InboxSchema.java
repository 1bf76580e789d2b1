package io.commslib.idempotency;

import io.commslib.jdbc.SchemaScripts;

/** The tables of the inbox. */
public final class InboxSchema {

  private InboxSchema() {}

  /**
   * Returns the scripts, version 1.
   *
   * @return apply them once per schema, or let your own migration tool run what they print
   */
  public static SchemaScripts scripts() {
    return SchemaScripts.of("idempotency", 1, InboxSchema.class);
  }
}
