package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The text of a driver's failure may quote rows and parameters. Each place in the database modules
 * that keeps such a failure as the cause of a library failure, or attaches it, has a row in a table
 * here with the reason why it shows no value. Failures that pass {@code withoutValues} need no row.
 */
class CauseSitesTest {

  private static final Set<String> MODULES =
      Set.of(
          "commslib-jdbc",
          "commslib-spring",
          "commslib-outbox",
          "commslib-idempotency",
          "commslib-saga");

  private static final Pattern SITE =
      Pattern.compile(
          "new (\\w+(?:Exception|Error|Failure))\\(|\\.(?:addSuppressed|initCause)\\(|\\bunsuitable\\(");

  private static final Pattern CAUSE = Pattern.compile("[a-z]\\w*(?:\\(\\))?|[a-z]\\w* == null.*");

  private static final Map<String, String> REASONS =
      Map.ofEntries(
          Map.entry("CommandIds: IllegalStateException, e", "no failure of a database"),
          Map.entry("InMemoryInbox: StoreException, e", "an interrupt"),
          Map.entry("OutboxRow: CodecException, e", "the library's own text of a destination"),
          Map.entry(
              "RelayBackgroundTask: IllegalStateException, failure",
              "a checked one, of which its work declares none: stores translate their driver's"),
          Map.entry(
              "SpringTransaction: IllegalStateException, failure()",
              "a store's, which has translated its driver's"),
          Map.entry(
              "SpringTransactionRunner: StoreException, cause",
              "the text of a manager that does not fit, from the library's own checks"),
          Map.entry(
              "SpringTransactionRunner: StoreException, e x2",
              "of a begin: no statement of the application has run"),
          Map.entry(
              "SpringTransactionRunner: unsuitable, e x2", "thrown by the library's own checks"),
          Map.entry("SqlErrors: StoreException, failure", "replaced by RedactedFailure above"),
          Map.entry(
              "SqlErrors: WrongSessionException, failure", "replaced by RedactedFailure above"));

  @Test
  void eachKeptDriverFailureHasAReason() throws IOException {
    Map<String, Integer> found = new TreeMap<>();
    for (Path folder : LibrarySchemas.folders("src/main/java")) {
      if (MODULES.stream().noneMatch(folder.toString()::contains)) {
        continue;
      }
      for (Path source : LibrarySchemas.files(folder, ".java")) {
        String type = source.getFileName().toString().replace(".java", "");
        String text = Files.readString(source).replaceAll("(?m)^\\s*(?://|\\*|/\\*).*$", "");
        Matcher site = SITE.matcher(text);
        while (site.find()) {
          List<String> arguments = arguments(text, site.end());
          String last = arguments.isEmpty() ? "" : arguments.get(arguments.size() - 1);
          boolean isCause = arguments.size() > 1 || !site.group().startsWith("new");
          if (isCause
              && CAUSE.matcher(last).matches()
              && !last.equals("null")
              && !last.matches(".*withoutValues\\(.*")) {
            String name = site.group().replaceAll("new |\\.|\\(", "");
            found.merge(type + ": " + name + ", " + last, 1, Integer::sum);
          }
        }
      }
    }
    Set<String> sites = new TreeSet<>();
    found.forEach((site, count) -> sites.add(count == 1 ? site : site + " x" + count));
    assertThat(sites).isEqualTo(new TreeSet<>(REASONS.keySet()));
  }

  /** Returns the arguments of the call at a position of a text. */
  private static List<String> arguments(String text, int start) {
    List<String> arguments = new ArrayList<>();
    int depth = 0;
    boolean quoted = false;
    int from = start;
    for (int at = start; at < text.length(); at++) {
      char here = text.charAt(at);
      if (quoted) {
        at += here == '\\' ? 1 : 0;
        quoted = here != '"';
      } else if (here == '"') {
        quoted = true;
      } else if (here == '(') {
        depth++;
      } else if ((here == ',' || here == ')') && depth == 0) {
        arguments.add(text.substring(from, at).replaceAll("\\s+", " ").trim());
        from = at + 1;
        if (here == ')') {
          return arguments;
        }
      } else if (here == ')') {
        depth--;
      }
    }
    return arguments;
  }
}
