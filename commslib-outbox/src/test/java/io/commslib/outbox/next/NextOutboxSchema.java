package io.commslib.outbox.next;

import io.commslib.jdbc.SchemaScripts;

/**
 * The outbox of later releases, as far as tests need it: version 2 expands the tables and is
 * compatible from 1, version 3 is compatible from 2. On H2 version 2 adds no column, since H2 loses
 * what others commit meanwhile.
 */
public final class NextOutboxSchema {

  private NextOutboxSchema() {}

  /** Returns the scripts up to a version, without the first. */
  public static SchemaScripts scripts(int latest) {
    return SchemaScripts.of("outbox", latest, NextOutboxSchema.class);
  }
}
