package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * For each code of docs/errors.md a test of the library contains the expected text: the code, then
 * the promise of the column "Text". This test finds it in the source code of the tests, which must
 * compare it with the text that they provoke.
 */
class ProvokedCodesTest {

  private static final Pattern CODE = Pattern.compile("(?m)^\\| (COMMS-[A-Z]+-\\d{3})");

  private static final Pattern ROW =
      Pattern.compile(
          "(?m)^\\| (COMMS-[A-Z]+-\\d{3}) \\| [^|]+ \\| (rule|cause)(?:, `(\\w+)`)? \\|");

  private static final Pattern JOINED = Pattern.compile("\"\\s*\\+\\s*\"");

  /** The end of a text: the statement ends, or the next code begins. */
  private static final Pattern END = Pattern.compile(";\\s*\\n|COMMS-[A-Z]+-\\d{3}");

  @Test
  void eachRowPromisesARuleOrACause() throws IOException {
    assertThat(rows().stream().map(row -> row.group(1)))
        .isEqualTo(CODE.matcher(list()).results().map(code -> code.group(1)).toList());
  }

  @Test
  void aTestExpectsThePromisedTextOfEachCode() throws IOException {
    List<String> sources = tests();
    Set<String> missing = new TreeSet<>();
    for (MatchResult row : rows()) {
      boolean isExpected =
          sources.stream()
              .anyMatch(source -> expects(source, row.group(1), row.group(2), row.group(3)));
      if (!isExpected) {
        missing.add(row.group().replaceFirst("\\| ", ""));
      }
    }
    assertThat(missing).as("codes without a test that expects the text").isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          true  | rule  | n | .hasMessage("COMMS-X-001: n: 1 (expected: 2)");
          true  | rule  | n | .hasMessage("COMMS-X-001: n: 1" + " (expected:" + " 2)");
          true  | cause |   | .hasMessage("COMMS-X-001: lost");
          false | rule  | n | .hasMessage("COMMS-X-001: n: 1");
          false | rule  | m | .hasMessage("COMMS-X-001: n: 1 (expected: 2)");
          false | cause |   | .isEqualTo("COMMS-X-001");
          false | cause |   | .isEqualTo("COMMS-X-001: ");
          false | rule  |   | .hasMessage("COMMS-X-001: n"); (expected:
          false | rule  |   | "COMMS-X-001: n", "COMMS-X-002: (expected: 2)"
          """)
  void theScanSeparatesTexts(boolean expected, String kind, String name, String source) {
    String lines = source.replace("; ", ";\n") + "\n";
    assertThat(expects(JOINED.matcher(lines).replaceAll(""), "COMMS-X-001", kind, name))
        .isEqualTo(expected);
  }

  private static boolean expects(String source, String code, String kind, String name) {
    int at = source.indexOf(code + ": ");
    while (at >= 0) {
      int begin = at + code.length();
      String text =
          END.matcher(source)
              .results()
              .mapToInt(MatchResult::start)
              .filter(end -> end >= begin)
              .mapToObj(end -> source.substring(begin, end))
              .findFirst()
              .orElse("");
      if (text.matches("(?s): [^\" ].{2,}")
          && (kind.equals("cause") || text.contains("(expected: "))
          && (name == null || text.contains(name))) {
        return true;
      }
      at = source.indexOf(code + ": ", begin);
    }
    return false;
  }

  private static String list() throws IOException {
    return Files.readString(LibrarySchemas.ROOT.resolve("docs/errors.md"));
  }

  private static List<MatchResult> rows() throws IOException {
    return ROW.matcher(list()).results().toList();
  }

  /** The tests of the library, with concatenated texts joined. */
  private static List<String> tests() throws IOException {
    List<Path> folders = new ArrayList<>(LibrarySchemas.folders("src/test/java"));
    folders.add(LibrarySchemas.ROOT.resolve("commslib-testkit/src/main/java"));
    List<String> sources = new ArrayList<>();
    for (Path folder : folders) {
      for (Path source : LibrarySchemas.files(folder, ".java")) {
        String text = Files.readString(source);
        if (text.contains("COMMS-")) {
          sources.add(JOINED.matcher(text).replaceAll(""));
        }
      }
    }
    return sources;
  }
}
