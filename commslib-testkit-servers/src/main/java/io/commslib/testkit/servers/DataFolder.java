package io.commslib.testkit.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The folder of one server, below the one of this JVM. */
final class DataFolder {

  private DataFolder() {}

  static Path create(String kind) {
    try {
      return Files.createTempDirectory(OrphanCleaner.instance().folder(), kind + "-");
    } catch (IOException e) {
      throw new ServerUnavailableException("cannot create a data folder", e);
    }
  }

  static Path write(Path file, List<String> lines) {
    try {
      return Files.write(file, lines);
    } catch (IOException e) {
      throw new ServerUnavailableException("cannot write " + file.getFileName(), e);
    }
  }

  /** Deletes as much as possible; the rest is deleted with the folder of the JVM. */
  static void delete(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | UncheckedIOException leftToTheCleaner) {
      return;
    }
  }
}
