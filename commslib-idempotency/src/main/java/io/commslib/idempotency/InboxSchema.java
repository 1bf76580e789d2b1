package io.commslib.idempotency;

import io.commslib.jdbc.SchemaScripts;

/** The tables of {@link JdbcInbox} and {@link JdbcIdempotencyStore}. */
public final class InboxSchema {

  private InboxSchema() {}

  /**
   * Returns the scripts, version 1.
   *
   * @return scripts to apply once per schema, directly or by your own migration tool with the text
   *     they print
   */
  public static SchemaScripts scripts() {
    return SchemaScripts.of("idempotency", 1, InboxSchema.class);
  }
}
