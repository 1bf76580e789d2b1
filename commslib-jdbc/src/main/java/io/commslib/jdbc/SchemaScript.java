package io.commslib.jdbc;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One numbered script in one dialect.
 *
 * @param version its number, 1 or more
 * @param compatibleFrom the oldest version whose code works with the tables after this script
 * @param statements SQL with the names of the schema, without trailing semicolons
 */
record SchemaScript(int version, int compatibleFrom, List<String> statements) {

  private static final Pattern STATED =
      Pattern.compile("(?m)^-- compatible from:[ \\t]*(.*?)[ \\t]*$");
  private static final Pattern NUMBER = Pattern.compile("[1-9][0-9]{0,4}");

  /** Reads the resource in a folder below that of {@code anchor}. */
  static SchemaScript read(Class<?> anchor, String folder, SchemaNames names, int version) {
    String name = folder + "/" + names.dialect().resourceName() + "-" + version + ".sql";
    try (InputStream resource = anchor.getResourceAsStream(name)) {
      if (resource == null) {
        throw new IllegalStateException(
            "schema script: " + name + " (expected: beside " + anchor.getName() + ")");
      }
      return parse(
          name, version, new String(resource.readAllBytes(), StandardCharsets.UTF_8), names);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static SchemaScript parse(String name, int version, String text, SchemaNames names) {
    int compatibleFrom = version;
    Matcher stated = STATED.matcher(text);
    if (stated.find()) {
      compatibleFrom =
          NUMBER.matcher(stated.group(1)).matches() ? Integer.parseInt(stated.group(1)) : 0;
      if (stated.start() != 0 || compatibleFrom < 1 || compatibleFrom > version) {
        throw new IllegalStateException(
            name
                + ": compatible from: "
                + stated.group(1)
                + " (expected: 1.."
                + version
                + ", on the first line)");
      }
      text = text.substring(stated.end());
    }
    List<String> statements = new ArrayList<>();
    text =
        text.replace("${schema}", names.qualifier())
            .replace("${text}", names.dialect().textOptions());
    for (String sql : text.split(";\\s*\n")) {
      if (!sql.isBlank()) {
        statements.add(sql.strip());
      }
    }
    return new SchemaScript(version, compatibleFrom, List.copyOf(statements));
  }
}
