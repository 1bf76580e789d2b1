package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Each code of docs/errors.md is named by a test, save those listed here. */
class ProvokedCodesTest {

  /** Codes that no test names yet. A test for one of them takes it off this list. */
  private static final Set<String> NOT_YET =
      Set.of(
          "COMMS-IDEMPOTENCY-002",
          "COMMS-IDEMPOTENCY-003",
          "COMMS-IDEMPOTENCY-006",
          "COMMS-IDEMPOTENCY-007",
          "COMMS-JACKSON-004",
          "COMMS-JDBC-002",
          "COMMS-KAFKA-001",
          "COMMS-KAFKA-003",
          "COMMS-KAFKA-004",
          "COMMS-KAFKA-005",
          "COMMS-KAFKA-006",
          "COMMS-KAFKA-007",
          "COMMS-KAFKA-012",
          "COMMS-RABBIT-001",
          "COMMS-RABBIT-003",
          "COMMS-RABBIT-004",
          "COMMS-RABBIT-005",
          "COMMS-RABBIT-009",
          "COMMS-RABBIT-011",
          "COMMS-RABBIT-012",
          "COMMS-RABBIT-014",
          "COMMS-SAGA-001",
          "COMMS-SAGA-004",
          "COMMS-SPRING-003",
          "COMMS-SPRING-005",
          "COMMS-SPRING-006");

  @Test
  void everyListedCodeIsNamedByATestOrIsKnownNotToBe() throws IOException {
    Set<String> missing = new TreeSet<>();
    Pattern.compile("(?m)^\\| (COMMS-[A-Z]+-\\d{3})")
        .matcher(Files.readString(LibrarySchemas.ROOT.resolve("docs/errors.md")))
        .results()
        .forEach(row -> missing.add(row.group(1)));
    List<Path> folders = new ArrayList<>(LibrarySchemas.folders("src/test/java"));
    folders.add(LibrarySchemas.ROOT.resolve("commslib-testkit/src/main/java"));
    folders.add(LibrarySchemas.ROOT.resolve("benchmarks/src/test/java"));
    for (Path folder : folders) {
      for (Path source : LibrarySchemas.files(folder, ".java")) {
        String code = Files.readString(source);
        missing.removeIf(code::contains);
      }
    }
    assertThat(missing).isEqualTo(new TreeSet<>(NOT_YET));
  }
}
