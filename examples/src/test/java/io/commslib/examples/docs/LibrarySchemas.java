package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.jdbc.SchemaScripts;
import io.commslib.jdbc.SqlDialect;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The schemas of all modules, found in the source code by the callers of {@link SchemaScripts#of}.
 */
final class LibrarySchemas {

  static final Path ROOT = Path.of("").toAbsolutePath().getParent();

  /** Modules without scripts for a dialect. */
  private static final Set<String> MISSING = Set.of("saga MARIADB", "saga MYSQL");

  private LibrarySchemas() {}

  /** The scripts of one module, and the folder of the class that owns them. */
  record Schema(SchemaScripts scripts, Path folder) {

    boolean supports(SqlDialect dialect) {
      return !MISSING.contains(scripts.module() + " " + dialect);
    }

    @Override
    public String toString() {
      return scripts.module();
    }
  }

  static List<Schema> all() throws IOException {
    List<Schema> schemas = new ArrayList<>();
    for (Path sources : folders("src/main/java")) {
      for (Path source : files(sources, ".java")) {
        if (Files.readString(source).contains("SchemaScripts.of(")) {
          schemas.add(schema(sources.relativize(source)));
        }
      }
    }
    assertThat(schemas).extracting(Schema::toString).doesNotHaveDuplicates();
    return schemas;
  }

  private static Schema schema(Path source) {
    String type = source.toString().replace(".java", "").replace('/', '.');
    try {
      Object scripts = Class.forName(type).getMethod("scripts").invoke(null);
      return new Schema((SchemaScripts) scripts, source.getParent());
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(
          type + " (expected: on this class path, with a public static method scripts())", e);
    }
  }

  /** Returns such a folder of every module of the library that has one. */
  static List<Path> folders(String inModule) throws IOException {
    try (Stream<Path> modules = Files.list(ROOT)) {
      return modules
          .filter(module -> module.getFileName().toString().startsWith("commslib-"))
          .map(module -> module.resolve(inModule))
          .filter(Files::isDirectory)
          .sorted()
          .toList();
    }
  }

  static List<Path> files(Path folder, String ending) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(file -> file.toString().endsWith(ending)).sorted().toList();
    }
  }
}
