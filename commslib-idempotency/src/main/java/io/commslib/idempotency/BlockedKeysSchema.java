package io.commslib.idempotency;

import io.commslib.jdbc.SchemaScripts;

/** The table of the blocked keys. */
public final class BlockedKeysSchema {

  private BlockedKeysSchema() {}

  /**
   * Returns the scripts, version 1.
   *
   * @return scripts to apply once per schema, directly or by your own migration tool with the text
   *     they print
   */
  public static SchemaScripts scripts() {
    // Stored and published names keep the term of their first release: the module and the folder.
    return SchemaScripts.of("held-keys", 1, BlockedKeysSchema.class, "heldkeys/schema");
  }
}
