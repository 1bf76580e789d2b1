package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The Javadoc of every builder setter states its default, or that the value is required or added to
 * others. The range is stated where the setter checks one.
 */
class BuilderDocsTest {

  private static final Pattern SETTER =
      Pattern.compile(
          "/\\*\\*((?:(?!\\*/).)*+)\\*/\\s*(?:@\\w+(?:\\([^)]*\\))?\\s*)*"
              + "public (?:[\\w.]*Builder(?:<[^>]*>)?) (\\w+)\\(([^)]+)\\)([^}]*)",
          Pattern.DOTALL);
  private static final Pattern DEFAULT =
      Pattern.compile("default|required|adds|may be called", Pattern.CASE_INSENSITIVE);
  private static final Pattern CHECKED =
      Pattern.compile("inRange\\(\\s*\"\\w+\",\\s*\\w+,\\s*([0-9_]+)\\b");

  /** They build values for one call, and copy or continue another object. */
  private static final Set<String> NO_SETTINGS =
      Set.of(
          "Comms.message",
          "Message.causedBy",
          "MessageTrace.stamp",
          "TroubleChannel.about",
          "TypeRegistry.message");

  @Test
  void everySetterOfEveryBuilderStatesItsDefault() throws IOException {
    List<String> silent = new ArrayList<>();
    int setters = 0;
    for (Path sources : LibrarySchemas.folders("src/main/java")) {
      for (Path source : LibrarySchemas.files(sources, ".java")) {
        String type = source.getFileName().toString().replace(".java", "");
        Matcher setter = SETTER.matcher(Files.readString(source));
        while (setter.find()) {
          setters++;
          String name = type + "." + setter.group(2);
          if (!DEFAULT.matcher(setter.group(1)).find() && !NO_SETTINGS.contains(name)) {
            silent.add(name);
          }
        }
      }
    }
    assertThat(silent).isEmpty();
    assertThat(setters).isGreaterThan(150);
  }

  @Test
  void everyCheckedRangeIsStated() throws IOException {
    List<String> silent = new ArrayList<>();
    int ranges = 0;
    for (Path sources : LibrarySchemas.folders("src/main/java")) {
      for (Path source : LibrarySchemas.files(sources, ".java")) {
        Matcher setter = SETTER.matcher(Files.readString(source));
        while (setter.find()) {
          Matcher checked = CHECKED.matcher(setter.group(4));
          if (checked.find()) {
            ranges++;
            String lowest = checked.group(1).replace("_", "");
            String doc = setter.group(1).replace(",", "");
            // Sizes are stated in KiB and MiB.
            if (!doc.contains(" KiB")
                && !Pattern.compile("(?<![0-9])" + lowest + "(?![0-9])").matcher(doc).find()) {
              silent.add(source.getFileName() + " " + setter.group(2));
            }
          }
        }
      }
    }
    assertThat(silent).isEmpty();
    assertThat(ranges).isGreaterThan(20);
  }
}
