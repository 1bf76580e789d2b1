package io.commslib.examples.docs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Measures the rules of language that a program can measure, in the main sources of all modules,
 * the examples, the benchmarks and the docs: words that the glossary bans, accessor docs that are
 * indirect questions, and long lines and table cells in the docs. Needs nothing but the JDK, so
 * that {@code bin/check-language} runs it from its source.
 */
final class LanguageCheck {

  /** The share of accessor docs that may be indirect questions, in percent. */
  private static final int QUESTIONS_PERCENT = 5;

  private static final int COLUMNS = 120;
  private static final int CELL = 300;

  private static final Pattern BETWEEN_LINES = Pattern.compile("\\s*\\n\\s*(?:\\*(?!/)|//)?\\s*");
  private static final Pattern STRING = Pattern.compile("\"((?:\\\\.|[^\"\\\\\\n])*)\"");
  private static final Pattern CODE_TAG = Pattern.compile("\\{@code ([^}\\n]*)}");
  private static final Pattern CODE_SPAN = Pattern.compile("`[^`\\n]*`");
  private static final Pattern LINK =
      Pattern.compile("!\\[[^\\]]*]\\([^)]*\\)|\\]\\([^)]*\\)|https?://\\S+");
  private static final Pattern ACCESSOR =
      Pattern.compile(
          "/\\*\\*((?:(?!\\*/).)*+)\\*/\\s*((?:@\\w+(?:\\([^)]*\\))?\\s+)*[^;{}()=]{0,120}?)\\b\\w+\\(\\)",
          Pattern.DOTALL);
  private static final Pattern QUESTION =
      Pattern.compile(
          "(?:Returns|\\{@return) (?:(?:from|since|until|by|in|of|on) )?(how|what|where|when|who|whose|whom|which|whether)\\b");

  private final Path root;
  private final Pattern banned;
  private final Set<String> storedNames;
  private final List<String> findings = new ArrayList<>();
  private final List<String> questions = new ArrayList<>();
  private int accessors;

  private LanguageCheck(Path root, Path glossary, Path storedNames) throws IOException {
    this.root = root;
    this.banned = banned(Files.readString(glossary));
    this.storedNames =
        Files.readAllLines(storedNames).stream()
            .map(line -> line.substring(line.indexOf(' ') + 1))
            .collect(Collectors.toCollection(HashSet::new));
  }

  public static void main(String[] arguments) throws IOException {
    Path root = Path.of(arguments[0]);
    List<String> findings =
        check(root, Arrays.asList(arguments).subList(1, arguments.length).stream().toList());
    findings.forEach(System.out::println);
    System.out.println(findings.size() + " findings");
    if (!findings.isEmpty()) {
      System.exit(1);
    }
  }

  /**
   * Checks a project.
   *
   * @param root its folder, with {@code docs/glossary.md}
   * @param only folders and files to check, relative to the root; none means all
   * @return a line for each finding
   */
  static List<String> check(Path root, List<String> only) throws IOException {
    LanguageCheck check =
        new LanguageCheck(
            root,
            root.resolve("docs/glossary.md"),
            root.resolve("examples/src/test/resources/stored-names.txt"));
    for (Path file : check.files(only)) {
      check.check(file);
    }
    if (check.questions.size() * 100 > check.accessors * QUESTIONS_PERCENT) {
      check.findings.addAll(check.questions);
      check.findings.add(
          check.questions.size()
              + " of "
              + check.accessors
              + " accessor docs are indirect questions (expected: under "
              + QUESTIONS_PERCENT
              + " %)");
    }
    return check.findings;
  }

  private List<Path> files(List<String> only) throws IOException {
    List<Path> starts = only.isEmpty() ? List.of(root) : only.stream().map(root::resolve).toList();
    List<Path> files = new ArrayList<>();
    for (Path start : starts) {
      try (Stream<Path> all = Files.walk(start)) {
        all.filter(Files::isRegularFile).filter(this::isChecked).sorted().forEach(files::add);
      }
    }
    return files;
  }

  private boolean isChecked(Path file) {
    String name = root.relativize(file).toString();
    if (name.contains("/target/")
        || name.contains("/node_modules/")
        || name.startsWith("target/")
        || name.startsWith(".")) {
      return false;
    }
    if (name.endsWith(".md")) {
      return !name.endsWith("docs/glossary.md");
    }
    return (name.endsWith(".java") || name.endsWith(".sql")) && name.contains("src/main/");
  }

  private void check(Path file) throws IOException {
    String text = Files.readString(file);
    boolean java = file.toString().endsWith(".java");
    checkWords(file, text, java);
    if (java) {
      checkAccessors(file, text);
    } else if (file.toString().endsWith(".md")) {
      checkLines(file, text);
    }
  }

  private void checkWords(Path file, String text, boolean java) {
    String prose = java ? withoutStoredNames(text) : blank(CODE_SPAN, withoutFences(text));
    // Line breaks become one blank each, so that a phrase is found across lines.
    StringBuilder joined = new StringBuilder();
    List<int[]> lines = new ArrayList<>();
    int from = 0;
    int line = 1;
    lines.add(new int[] {0, 1});
    Matcher breaks = BETWEEN_LINES.matcher(prose);
    while (breaks.find()) {
      joined.append(prose, from, breaks.start()).append(' ');
      line += (int) breaks.group().chars().filter(c -> c == '\n').count();
      lines.add(new int[] {joined.length(), line});
      from = breaks.end();
    }
    joined.append(prose.substring(from));
    Matcher hits = banned.matcher(joined);
    while (hits.find()) {
      int at = 1;
      for (int[] start : lines) {
        at = start[0] <= hits.start() ? start[1] : at;
      }
      finding(file, at, "banned by the glossary", hits.group());
    }
  }

  /** Blanks strings and code tags that are a stored or sent name as a whole: they are not prose. */
  private String withoutStoredNames(String text) {
    return blankStored(CODE_TAG, blankStored(STRING, text));
  }

  private String blankStored(Pattern pattern, String text) {
    return pattern
        .matcher(text)
        .replaceAll(
            found ->
                storedNames.contains(found.group(1))
                    ? " ".repeat(found.group().length())
                    : Matcher.quoteReplacement(found.group()));
  }

  private void checkAccessors(Path file, String text) {
    Matcher docs = ACCESSOR.matcher(text);
    while (docs.find()) {
      String doc = docs.group(1).replaceAll("\\s*\\n\\s*\\*?\\s*", " ").strip();
      String declaration = docs.group(2);
      accessors++;
      Matcher question = QUESTION.matcher(doc);
      if (question.lookingAt()
          && !(question.group(1).equals("whether") && declaration.contains("boolean"))) {
        questions.add(
            place(
                    file,
                    1
                        + (int)
                            text.substring(0, docs.start()).chars().filter(c -> c == '\n').count())
                + "accessor doc is an indirect question: "
                + doc.substring(0, Math.min(80, doc.length())));
      }
    }
  }

  private void checkLines(Path file, String text) {
    int number = 0;
    for (String line : withoutFences(text).split("\n", -1)) {
      number++;
      if (line.startsWith("|")) {
        for (String cell : line.split("(?<!\\\\)\\|")) {
          String shown = cell.strip().replaceAll("\\]\\([^)]*\\)", "]");
          if (shown.length() > CELL) {
            finding(
                file,
                number,
                "table cell of " + shown.length() + " characters",
                shown.substring(0, 60));
          }
        }
      } else if (withoutCodeAndLinks(line).length() > COLUMNS) {
        finding(file, number, "line of " + line.length() + " columns", line.substring(0, 60));
      }
    }
  }

  private static String withoutCodeAndLinks(String line) {
    return CODE_SPAN.matcher(LINK.matcher(line).replaceAll("")).replaceAll("");
  }

  private void finding(Path file, int line, String rule, String text) {
    findings.add(place(file, line) + rule + ": " + text);
  }

  private String place(Path file, int line) {
    return root.relativize(file) + ":" + line + ": ";
  }

  private static String blank(Pattern pattern, String text) {
    return pattern.matcher(text).replaceAll(found -> " ".repeat(found.group().length()));
  }

  /** Replaces code blocks by empty lines. */
  private static String withoutFences(String text) {
    StringBuilder prose = new StringBuilder();
    boolean code = false;
    for (String line : text.split("\n", -1)) {
      boolean fence = line.stripLeading().startsWith("```");
      prose.append(code || fence ? "" : line).append('\n');
      code ^= fence;
    }
    return prose.toString();
  }

  /** Reads the words in backticks from the third column of the glossary's tables. */
  private static Pattern banned(String glossary) {
    List<String> words = new ArrayList<>();
    for (String line : glossary.split("\n")) {
      String[] cells = line.split("(?<!\\\\)\\|", -1);
      if (line.startsWith("|") && cells.length >= 5) {
        Matcher word = Pattern.compile("`([^`]+)`").matcher(cells[3]);
        while (word.find()) {
          words.add(Pattern.quote(word.group(1).toLowerCase(Locale.ROOT)));
        }
      }
    }
    if (words.isEmpty()) {
      throw new IllegalArgumentException(
          "glossary: no banned word (expected: in its third column)");
    }
    return Pattern.compile(
        "(?<![\\w-])(?:" + String.join("|", words) + ")(?![\\w-])", Pattern.CASE_INSENSITIVE);
  }
}
