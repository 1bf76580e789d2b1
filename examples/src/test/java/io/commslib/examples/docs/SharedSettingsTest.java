package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Each setting of each builder has a row in docs/shared-settings.md, which states where different
 * values of two processes are compared and what happens then.
 */
class SharedSettingsTest {

  private static final Path DOC = LibrarySchemas.ROOT.resolve("docs/shared-settings.md");

  /**
   * Builders of messages and handlers, of components of one process, and those that adapters use.
   */
  private static final Set<String> NO_SETTINGS =
      Set.of(
          "CallException",
          "DeliveryEngineBuilder",
          "GrpcProblem",
          "InMemoryTransport",
          "Lifecycle",
          "Message",
          "Problem",
          "Trouble",
          "TypedHandler",
          "ForeignRecord",
          "HeaderTexts");

  private static final Set<String> VERDICTS = Set.of("compared", "stored", "own", "not compared");

  private static final Pattern ROW = Pattern.compile("(?m)^\\| (`.*?) \\| (.*?) \\| (.*) \\|$");
  private static final Pattern SETTING = Pattern.compile("`([A-Za-z]+\\.[A-Za-z]+)`");
  private static final Pattern BUILDER =
      Pattern.compile("public (?:static )?final class (\\w*Builder)\\b");
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)]+)\\)");

  private static List<MatchResult> rows() throws IOException {
    return ROW.matcher(Files.readString(DOC)).results().toList();
  }

  @Test
  void everySettingOfEveryBuilderHasOneRow() throws IOException {
    List<String> listed = new ArrayList<>();
    for (MatchResult row : rows()) {
      SETTING.matcher(row.group(1)).results().forEach(setting -> listed.add(setting.group(1)));
    }
    assertThat(listed).doesNotHaveDuplicates();
    assertThat(new TreeSet<>(listed)).isEqualTo(settings());
  }

  @Test
  void everyRowStatesTheHandlingAndAComparedOneNamesItsTest() throws IOException {
    for (MatchResult row : rows()) {
      assertThat(VERDICTS).as(row.group(1)).contains(row.group(2));
      assertThat(row.group(3)).as(row.group(1)).isNotBlank();
      List<String> links = LINK.matcher(row.group(3)).results().map(link -> link.group(1)).toList();
      assertThat(links)
          .as(row.group(1))
          .allSatisfy(link -> assertThat(DOC.resolveSibling(link).normalize()).exists());
      if (row.group(2).equals("compared")) {
        assertThat(links).as(row.group(1)).isNotEmpty();
      }
    }
  }

  @Test
  void everyCodeIsOneOfTheList() throws IOException {
    String codes = Files.readString(LibrarySchemas.ROOT.resolve("docs/errors.md"));
    assertThat(Pattern.compile("COMMS-[A-Z]+-\\d{3}").matcher(Files.readString(DOC)).results())
        .isNotEmpty()
        .allSatisfy(code -> assertThat(codes).contains("| " + code.group() + " |"));
  }

  private static Set<String> settings() throws IOException {
    Set<String> found = new TreeSet<>();
    Set<String> passedOver = new TreeSet<>();
    List<Class<?>> builders = builders();
    for (Class<?> builder : builders) {
      Class<?> outer = builder.getEnclosingClass();
      String owner = (outer == null ? builder : outer).getSimpleName();
      if (NO_SETTINGS.contains(owner)) {
        passedOver.add(owner);
        continue;
      }
      for (Method method : builder.getDeclaredMethods()) {
        int modifiers = method.getModifiers();
        if (Modifier.isPublic(modifiers)
            && !Modifier.isStatic(modifiers)
            && builders.contains(method.getReturnType())) {
          found.add(owner + "." + method.getName());
        }
      }
    }
    assertThat(passedOver).isEqualTo(new TreeSet<>(NO_SETTINGS));
    return found;
  }

  /** Returns every public class of the library whose name ends with Builder. */
  private static List<Class<?>> builders() throws IOException {
    List<Class<?>> found = new ArrayList<>();
    for (Path sources : LibrarySchemas.folders("src/main/java")) {
      for (Path source : LibrarySchemas.files(sources, ".java")) {
        if (sources.toString().contains("commslib-testkit")) {
          continue;
        }
        String outer = sources.relativize(source).toString().replace(".java", "").replace('/', '.');
        BUILDER
            .matcher(Files.readString(source))
            .results()
            .map(builder -> builder.group(1))
            .map(name -> outer.endsWith("." + name) ? outer : outer + "$" + name)
            .forEach(name -> found.add(load(name)));
      }
    }
    return found;
  }

  private static Class<?> load(String name) {
    try {
      return Class.forName(name, false, SharedSettingsTest.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new AssertionError(name + " (expected: on this class path)", e);
    }
  }
}
