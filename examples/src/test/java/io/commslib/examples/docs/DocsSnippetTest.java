package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Every block of Java, JavaScript and Python in the README, the docs and the Javadoc is a marked
 * region of code that compiles and runs here.
 */
class DocsSnippetTest {

  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
  private static final Pattern BLOCK = Pattern.compile("```java\\n(.*?)```", Pattern.DOTALL);
  private static final Pattern REGION =
      Pattern.compile("// snippet: [a-z-]+\\n(.*?)// end\\n", Pattern.DOTALL);
  private static final Pattern FOREIGN_BLOCK =
      Pattern.compile("```(?:js|python)\\n(.*?)```", Pattern.DOTALL);
  private static final Pattern FOREIGN_REGION =
      Pattern.compile("(?://|#) snippet: [a-z-]+\\n(.*?)(?://|#) end\\n", Pattern.DOTALL);
  private static final Pattern JAVADOC =
      Pattern.compile("<pre>\\{@code\\n(.*?)}</pre>", Pattern.DOTALL);

  @Test
  void everyBlockOfJavadocIsARegionOfCompiledCode() throws IOException {
    List<String> regions = regions();
    int types = 0;
    for (Path sources : LibrarySchemas.folders("src/main/java")) {
      for (Path source : files(sources, ".java")) {
        Matcher block = JAVADOC.matcher(Files.readString(source));
        types += block.find() ? 1 : 0;
        block.reset();
        while (block.find()) {
          String code = block.group(1).replaceAll("(?m)^\\s*\\* ?", "");
          assertThat(regions).as("%s: %s", source.getFileName(), code).contains(squeeze(code));
        }
      }
    }
    assertThat(types).isGreaterThanOrEqualTo(15);
  }

  private static List<String> regions() throws IOException {
    List<String> regions = new ArrayList<>();
    // The protos of gRPC are in the tests of its module.
    for (String folder : List.of("examples/src", "commslib-grpc/src/test/java")) {
      for (Path source : files(ROOT.resolve(folder), ".java")) {
        Matcher region = REGION.matcher(Files.readString(source));
        while (region.find()) {
          regions.add(squeeze(region.group(1)));
        }
      }
    }
    for (String project : List.of("examples/first-service", "compatibility/spring-boot")) {
      for (Path source : files(ROOT.resolve(project), ".java")) {
        regions.add(squeeze(Files.readString(source)));
      }
    }
    return regions;
  }

  @Test
  void everyJavaBlockIsARegionOfCompiledCode() throws IOException {
    List<String> regions = regions();
    int blocks = 0;
    for (Path page : pages()) {
      Matcher block = BLOCK.matcher(Files.readString(page));
      while (block.find()) {
        blocks++;
        assertThat(regions)
            .as("%s: %s", page.getFileName(), block.group(1))
            .contains(squeeze(block.group(1)));
      }
    }
    assertThat(blocks).isGreaterThanOrEqualTo(2);
  }

  @Test
  void everyBlockOfAnotherLanguageIsARegionOfAProgramThatRuns() throws IOException {
    List<String> regions = new ArrayList<>();
    for (String ending : List.of(".js", ".py")) {
      for (Path program : files(ROOT.resolve("examples/neighbours"), ending)) {
        if (!program.toString().contains("node_modules")) {
          Matcher region = FOREIGN_REGION.matcher(Files.readString(program));
          while (region.find()) {
            regions.add(squeeze(region.group(1)));
          }
        }
      }
    }
    int blocks = 0;
    for (Path page : pages()) {
      Matcher block = FOREIGN_BLOCK.matcher(Files.readString(page));
      while (block.find()) {
        blocks++;
        assertThat(regions)
            .as("%s: %s", page.getFileName(), block.group(1))
            .contains(squeeze(block.group(1)));
      }
    }
    assertThat(blocks).isGreaterThanOrEqualTo(2);
  }

  @Test
  void theReadmeShowsCodeByLineTwentyInUnderNineHundredWords() throws IOException {
    String readme = Files.readString(ROOT.resolve("README.md"));
    List<String> lines = readme.lines().toList();
    assertThat(lines.subList(0, 20)).contains("```java", "```");
    assertThat(readme.trim().split("\\s+")).hasSizeLessThan(900);
  }

  @Test
  void theListHasExactlyTheErrorCodesOfTheCode() throws IOException {
    Pattern code = Pattern.compile("COMMS-(?!TEST)[A-Z]+-[0-9]{3}");
    Pattern text = Pattern.compile("\"[^\"\\n]*(" + code + ")");
    Set<String> inCode = new TreeSet<>();
    Set<String> named = new TreeSet<>();
    try (Stream<Path> modules = Files.list(ROOT)) {
      for (Path module :
          modules.filter(name -> name.getFileName().toString().startsWith("commslib-")).toList()) {
        Path main = module.resolve("src/main/java");
        for (Path source : Files.exists(main) ? files(main, ".java") : List.<Path>of()) {
          String lines = Files.readString(source);
          text.matcher(lines).results().forEach(found -> inCode.add(found.group(1)));
          code.matcher(lines).results().forEach(found -> named.add(found.group()));
        }
      }
    }
    Set<String> listed = new TreeSet<>();
    code.matcher(Files.readString(ROOT.resolve("docs/errors.md")))
        .results()
        .forEach(found -> listed.add(found.group()));
    assertThat(listed).as("in texts of the code").isEqualTo(inCode);
    assertThat(listed).as("in comments, too").containsAll(named);
  }

  private static List<Path> pages() throws IOException {
    List<Path> pages = new ArrayList<>(files(ROOT.resolve("docs"), ".md"));
    pages.add(ROOT.resolve("README.md"));
    pages.add(ROOT.resolve("CONTRIBUTING.md"));
    return pages;
  }

  private static List<Path> files(Path folder, String ending) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(file -> file.toString().endsWith(ending)).sorted().toList();
    }
  }

  /** Removes white space and line comments: the formatter and the page break lines differently. */
  private static String squeeze(String code) {
    return code.replaceAll("(?m)^\\s*(//|#).*$", "").replaceAll("\\s+", "");
  }
}
