package io.commslib.idempotency.heldkeys;

import io.commslib.jdbc.SchemaScripts;

/**
 * The table of the held keys.
 *
 * @since 0.1
 */
public final class HeldKeysSchema {

  private HeldKeysSchema() {}

  /**
   * Returns the scripts, version 1.
   *
   * @return apply them once per schema, or let your own migration tool run what they print
   */
  public static SchemaScripts scripts() {
    return SchemaScripts.of("held-keys", 1, HeldKeysSchema.class);
  }
}
