package io.commslib.examples.docs;

import static io.commslib.examples.docs.DocPages.blocks;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The pages and poms for projects outside of this build; OutsideProjectsIT runs them. */
class OutsideProjectsTest {

  private static final String PAGE = "docs/spring-boot.md";
  private static final String SOURCES = "compatibility/spring-boot/src/main/";

  private static String read(String path) throws IOException {
    return Files.readString(LibrarySchemas.ROOT.resolve(path));
  }

  private static List<String> found(String regex, String text) {
    return Pattern.compile(regex, Pattern.DOTALL)
        .matcher(text)
        .results()
        .map((MatchResult match) -> match.group(1))
        .toList();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "README.md",
        "docs/tour.md",
        PAGE,
        "examples/first-service/pom.xml",
        "compatibility/boot-3.5/pom.xml",
        "compatibility/boot-4.1/pom.xml"
      })
  void importsTheVersionOfThisBuild(String path) throws IOException {
    String version =
        found(
                "<artifactId>commslib-parent</artifactId>\\s*<version>(.*?)</version>",
                read("pom.xml"))
            .get(0);
    assertThat(
            found("<artifactId>commslib-bom</artifactId>\\s*<version>(.*?)</version>", read(path)))
        .containsExactly(version);
  }

  @Test
  void theBomManagesOnlyItsOwnModules() throws IOException {
    assertThat(found("<groupId>(.*?)</groupId>", read("commslib-bom/pom.xml")))
        .hasSizeGreaterThan(10)
        .containsOnly("io.commslib");
  }

  @Test
  void thePageShowsExactlyTheProjectsThatAreRun() throws IOException {
    assertThat(blocks(PAGE, "java"))
        .containsExactly(read(SOURCES + "java/example/OrdersApplication.java"));
    assertThat(blocks(PAGE, "properties"))
        .contains(read(SOURCES + "resources/application.properties"));
    for (String boot : List.of("3.5", "4.1")) {
      assertThat(blocks(PAGE, "xml"))
          .hasSize(2)
          .allSatisfy(
              block -> assertThat(read("compatibility/boot-" + boot + "/pom.xml")).contains(block));
    }
  }

  @Test
  void noProjectNamesARegistryOrAServer() throws IOException {
    for (Path folder : List.of(Path.of("compatibility"), Path.of("examples/first-service"))) {
      for (Path file : LibrarySchemas.files(LibrarySchemas.ROOT.resolve(folder), "pom.xml")) {
        assertThat(Files.readString(file)).doesNotContain("<repositor").doesNotContain("<mirror");
      }
    }
  }
}
