package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The check of the language finds one of each, and nothing in this project. */
class LanguageCheckTest {

  private static final String ACCESSORS =
      "/** Returns the age. @return the age */ int age() { return 1; }\n".repeat(10);

  @TempDir private Path root;

  @BeforeEach
  void makeProject() throws IOException {
    write(
        "docs/glossary.md",
        "| Term | Meaning | Not |\n|---|---|---|\n| stalled | no progress | `stands still`, `replay` |\n");
    write("examples/src/test/resources/stored-names.txt", "outbox replay\n");
  }

  @Test
  void theProjectFollowsItsRules() throws IOException {
    assertThat(LanguageCheck.check(LibrarySchemas.ROOT, List.of())).isEmpty();
  }

  @Test
  void aCleanProjectHasNoFindings() throws IOException {
    write("a/src/main/java/A.java", "/** A stalled relay. */ class A {" + ACCESSORS + "}");
    write("docs/a.md", "A line.\n\n| a | b |\n|---|---|\n| `stands still` as code | b |\n");
    assertThat(findings()).isEmpty();
  }

  @Test
  void aBannedPhraseIsFoundAcrossLinesAndInStrings() throws IOException {
    write(
        "a/src/main/java/A.java",
        "/**\n * A relay that stands\n * still.\n */\nclass A {\n  String a = \"Stands still\";\n}");
    assertThat(findings())
        .containsExactly(
            "a/src/main/java/A.java:2: banned by the glossary: stands still",
            "a/src/main/java/A.java:6: banned by the glossary: Stands still");
  }

  @Test
  void aBannedPhraseIsFoundInDocs() throws IOException {
    write("docs/a.md", "A relay.\n\nIt stands\nstill.\n");
    assertThat(findings()).containsExactly("docs/a.md:3: banned by the glossary: stands still");
  }

  @Test
  void aStoredNameIsNoProse() throws IOException {
    write(
        "a/src/main/java/A.java",
        "class A {\n  String a = \"replay\";\n  String b = \"a replay\";\n}");
    assertThat(findings())
        .containsExactly("a/src/main/java/A.java:3: banned by the glossary: replay");
  }

  @Test
  void indirectQuestionsAreFoundAboveTheLimit() throws IOException {
    write(
        "a/src/main/java/A.java",
        "class A {\n"
            + ACCESSORS
            + "/** Returns how many there are. */ int count() { return 1; }\n"
            + "/** Returns whether it is open. */ boolean isOpen() { return true; }\n}");
    assertThat(findings())
        .hasSize(2)
        .first()
        .asString()
        .startsWith("a/src/main/java/A.java:12: accessor doc is an indirect question");
  }

  @Test
  void longLinesAndCellsOfDocsAreFound() throws IOException {
    String word = "word ";
    write(
        "docs/a.md",
        word.repeat(30)
            + "\n\n[a link](https://example.org/"
            + "x".repeat(150)
            + ")\n\n| a |\n|---|\n| "
            + word.repeat(70)
            + " |\n\n```\n"
            + word.repeat(30)
            + "\n```\n");
    assertThat(findings())
        .hasSize(2)
        .anyMatch(finding -> finding.startsWith("docs/a.md:1: line of 150 columns"))
        .anyMatch(finding -> finding.startsWith("docs/a.md:7: table cell of 349 characters"));
  }

  private List<String> findings() throws IOException {
    return LanguageCheck.check(root, List.of());
  }

  private void write(String name, String text) throws IOException {
    Path file = root.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }
}
