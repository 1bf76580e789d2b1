package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Compares the names that are stored or sent with the list of the first release, {@code
 * stored-names.txt}: header names, metadata of commits, suffixes of queues and topics, reasons,
 * states and actions in tables, and error codes. A class may be renamed; what it writes may not.
 * {@link SchemaFilesTest} compares tables and columns.
 */
class StoredNamesTest {

  /** The forms of texts that are stored or sent, in any class. */
  private static final Pattern FORMAT =
      Pattern.compile(
          "commslib[-_:].*|ce_\\S*|cloudEvents_.*|x-[a-z-]+|(\\{})?@?\\.[a-z-]+(\\{})?"
              + "|COMMS-[A-Z]+-[0-9]{3}");

  /** The place of a table's name in an SQL text. */
  private static final Pattern PLACEHOLDER = Pattern.compile("@([a-z_]+)");

  @Test
  void eachStoredNameIsStillWritten() throws IOException {
    TreeSet<String> missing = new TreeSet<>(golden());
    missing.removeAll(constants());
    assertThat(missing).isEmpty();
  }

  @Test
  void noFormatHasANewName() throws IOException {
    List<String> golden = golden();
    assertThat(constants())
        .filteredOn(
            one ->
                FORMAT.matcher(one.substring(one.indexOf(' ') + 1)).matches()
                    && !golden.contains(one))
        .isEmpty();
  }

  /** Returns the string constants of all published modules, each after its module's name. */
  private static TreeSet<String> constants() throws IOException {
    TreeSet<String> constants = new TreeSet<>();
    for (Path classes : LibrarySchemas.folders("target/classes")) {
      String module = LibrarySchemas.ROOT.relativize(classes).getName(0).toString();
      if (!module.startsWith("commslib-testkit")) {
        for (Path file : LibrarySchemas.files(classes, ".class")) {
          for (String text : constants(file)) {
            PLACEHOLDER
                .matcher(text)
                .results()
                .forEach(
                    table ->
                        constants.add(
                            module.substring("commslib-".length()) + " " + table.group(1)));
            constants.add(
                module.substring("commslib-".length())
                    + " "
                    + text.replace("\u0001", "{}").replace("\n", "\\n"));
          }
        }
      }
    }
    return constants;
  }

  private static List<String> golden() throws IOException {
    try (InputStream list = StoredNamesTest.class.getResourceAsStream("/stored-names.txt");
        Stream<String> lines = new String(list.readAllBytes(), StandardCharsets.UTF_8).lines()) {
      return lines.sorted().toList();
    }
  }

  /** Reads the string constants of a class file (Java Virtual Machine Specification, 4.4). */
  private static List<String> constants(Path file) throws IOException {
    try (DataInputStream in = new DataInputStream(Files.newInputStream(file))) {
      in.skipNBytes(8);
      int count = in.readUnsignedShort();
      String[] texts = new String[count];
      TreeSet<Integer> strings = new TreeSet<>();
      for (int i = 1; i < count; i++) {
        int tag = in.readUnsignedByte();
        switch (tag) {
          case 1 -> texts[i] = in.readUTF();
          case 8 -> strings.add(in.readUnsignedShort());
          case 7, 16, 19, 20 -> in.skipNBytes(2);
          case 15 -> in.skipNBytes(3);
          case 3, 4, 9, 10, 11, 12, 17, 18 -> in.skipNBytes(4);
          case 5, 6 -> {
            in.skipNBytes(8);
            i++;
          }
          default -> throw new IOException(file + ": constant of tag " + tag);
        }
      }
      return strings.stream().map(at -> texts[at]).toList();
    }
  }
}
