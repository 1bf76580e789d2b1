package io.commslib.jdbc;

import io.commslib.core.checks.Checks;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Writes table names in a dialect, qualified by one schema or in the connection's own. */
record SchemaNames(SqlDialect dialect, @Nullable String schema) {

  private static final Pattern IDENTIFIER = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,62}");

  SchemaNames {
    if (schema != null) {
      identifier("schema", schema);
    }
  }

  /** Checks the name of a schema or table. */
  static String identifier(String what, String name) {
    return Checks.matches(what, name, IDENTIFIER, "[A-Za-z_][A-Za-z0-9_]{0,62}");
  }

  /** Returns the quoted, schema-qualified name of a table. */
  String table(String name) {
    return qualifier() + dialect.quote(identifier("table", name));
  }

  /** Returns the quoted schema with a dot, or an empty text. */
  String qualifier() {
    return schema == null ? "" : dialect.quote(schema) + ".";
  }
}
