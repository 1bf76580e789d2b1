package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.commslib.examples.docs.LibrarySchemas.Schema;
import io.commslib.jdbc.SchemaScripts;
import io.commslib.jdbc.SqlDialect;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The SQL files in the docs equal the printed scripts, and listed scripts do not change. */
class SchemaFilesTest {

  private static final Path FILES = LibrarySchemas.ROOT.resolve("docs/schema");
  private static final Path SUMS = FILES.resolve("SHA256SUMS");
  private static final String WRITE = "commslib.schema.write";
  private static final String HOW_TO_WRITE =
      "written anew by: mvn -pl examples -am test -Dtest=SchemaFilesTest"
          + " -Dsurefire.failIfNoSpecifiedTests=false -D"
          + WRITE
          + "=true";
  private static final Pattern ROW =
      Pattern.compile("\\(module, version, compatible_from, .*VALUES \\('[^']+', (\\d+), (\\d+), ");

  private final List<Schema> schemas = LibrarySchemas.all();

  SchemaFilesTest() throws IOException {}

  @Test
  void theFilesInTheDocsAreWhatTheScriptsPrint() throws IOException {
    Map<String, String> printed = new TreeMap<>();
    for (Schema schema : schemas) {
      SchemaScripts scripts = schema.scripts();
      for (SqlDialect dialect : SqlDialect.values()) {
        if (!schema.supports(dialect)) {
          assertThatIllegalStateException().isThrownBy(() -> scripts.print(dialect, null, 0, 1));
          continue;
        }
        for (int version = 1; version <= scripts.latest(); version++) {
          printed.put(
              dialect.name().toLowerCase(Locale.ROOT)
                  + "/"
                  + scripts.module()
                  + "-"
                  + version
                  + ".sql",
              scripts.print(dialect, null, version - 1, version));
        }
      }
    }
    if (Boolean.getBoolean(WRITE)) {
      for (Map.Entry<String, String> file : printed.entrySet()) {
        Path path = FILES.resolve(file.getKey());
        Files.createDirectories(path.getParent());
        Files.writeString(path, file.getValue());
      }
    }
    Map<String, String> found = new TreeMap<>();
    for (Path file : LibrarySchemas.files(FILES, ".sql")) {
      found.put(FILES.relativize(file).toString(), Files.readString(file));
    }
    assertThat(found.keySet()).as(HOW_TO_WRITE).isEqualTo(printed.keySet());
    assertThat(found)
        .allSatisfy(
            (name, text) ->
                assertThat(text).as("%s, %s", name, HOW_TO_WRITE).isEqualTo(printed.get(name)));
  }

  @Test
  void everyScriptIsListedWithItsHashAndBelongsToASchema() throws IOException {
    Map<String, String> listed = new TreeMap<>();
    for (String line : Files.readAllLines(SUMS)) {
      String[] parts = line.split("  ", 2);
      listed.put(parts[1], parts[0]);
    }
    Set<Path> folders = new HashSet<>();
    schemas.forEach(schema -> folders.add(schema.folder().resolve(schema.scripts().folder())));
    Map<String, String> actual = new TreeMap<>();
    for (Path resources : LibrarySchemas.folders("src/main/resources")) {
      for (Path script : LibrarySchemas.files(resources, ".sql")) {
        assertThat(folders).contains(resources.relativize(script).getParent());
        actual.put(LibrarySchemas.ROOT.relativize(script).toString(), sha256(script));
      }
    }
    StringBuilder lines = new StringBuilder();
    actual.forEach(
        (script, hash) -> {
          if (!hash.equals(listed.get(script))) {
            lines.append('\n').append(hash).append("  ").append(script);
          }
        });
    assertThat(lines.toString())
        .as("a script of a release never changes; of an unreleased one, put these into %s", SUMS)
        .isEmpty();
    assertThat(listed.keySet()).isEqualTo(actual.keySet());
  }

  @Test
  void allDialectsOfAVersionAreCompatibleFromTheSameVersion() {
    for (Schema schema : schemas) {
      int before = 1;
      for (int version = 1; version <= schema.scripts().latest(); version++) {
        Set<Integer> stated = new HashSet<>();
        for (SqlDialect dialect : SqlDialect.values()) {
          if (schema.supports(dialect)) {
            stated.add(compatibleFrom(schema.scripts(), dialect, version));
          }
        }
        assertThat(stated).as("%s, version %s", schema, version).hasSize(1);
        int now = stated.iterator().next();
        assertThat(now).as("%s, version %s", schema, version).isGreaterThanOrEqualTo(before);
        before = now;
      }
    }
  }

  @Test
  void noScriptForH2AltersATable() {
    for (Schema schema : schemas) {
      assertThat(schema.scripts().print(SqlDialect.H2, null, 0, schema.scripts().latest()))
          .as("H2 loses what others commit while a column is added; use a new table")
          .doesNotContainIgnoringCase("ALTER TABLE");
    }
  }

  private static int compatibleFrom(SchemaScripts scripts, SqlDialect dialect, int version) {
    Matcher row = ROW.matcher(scripts.print(dialect, null, version - 1, version));
    assertThat(row.find()).isTrue();
    assertThat(Integer.parseInt(row.group(1))).isEqualTo(version);
    return Integer.parseInt(row.group(2));
  }

  private static String sha256(Path file) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(digest.digest(Files.readAllBytes(file)));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
