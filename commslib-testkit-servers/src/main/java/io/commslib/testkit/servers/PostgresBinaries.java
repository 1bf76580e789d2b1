package io.commslib.testkit.servers;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A folder with {@code initdb} and {@code postgres}, and the way to run them as this user. */
final class PostgresBinaries {

  private static final Path DEBIAN = Path.of("/usr/lib/postgresql");

  private static final CreatedOnce<Optional<Path>> FOUND =
      new CreatedOnce<>(() -> Optional.ofNullable(locate()));

  private final Path bin;
  private final UnprivilegedUser user;

  private PostgresBinaries(Path bin, UnprivilegedUser user) {
    this.bin = bin;
    this.user = user;
  }

  /** Finds the installed binaries, newest first, else unpacks those on the class path. */
  static Optional<PostgresBinaries> find() {
    UnprivilegedUser user = UnprivilegedUser.toRun("postgres");
    return FOUND.get().map(bin -> new PostgresBinaries(bin, user));
  }

  List<String> command(String program, List<String> arguments) {
    return user.command(bin.resolve(program), arguments);
  }

  /** Creates the folder for the user that the programs run as. */
  void own(Path data) {
    try {
      Files.createDirectories(data);
    } catch (IOException e) {
      throw new ServerUnavailableException("cannot create the data folder of postgres", e);
    }
    user.own(data);
  }

  private static @Nullable Path locate() {
    List<Path> candidates = new ArrayList<>(debianFolders());
    for (String entry : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
      if (!entry.isEmpty()) {
        candidates.add(Path.of(entry));
      }
    }
    return candidates.stream()
        .filter(folder -> Files.isExecutable(folder.resolve("initdb")))
        .filter(folder -> Files.isExecutable(folder.resolve("postgres")))
        .findFirst()
        .orElseGet(PostgresBinaries::unpacked);
  }

  private static List<Path> debianFolders() {
    if (!Files.isDirectory(DEBIAN)) {
      return List.of();
    }
    try (Stream<Path> versions = Files.list(DEBIAN)) {
      return versions
          .filter(version -> version.getFileName().toString().matches("[0-9]+"))
          .sorted(
              Comparator.comparingInt(
                      (Path version) -> Integer.parseInt(version.getFileName().toString()))
                  .reversed())
          .map(version -> version.resolve("bin"))
          .toList();
    } catch (IOException unreadable) {
      return List.of();
    }
  }

  private static void requireXz() {
    if (!Shell.succeeds(List.of("xz", "--version"))) {
      throw new ServerUnavailableException(
          "xz: not found (expected: the program xz, which unpacks PostgreSQL; install it, for"
              + " example with bin/setup xz or apt-get install xz-utils, or install PostgreSQL)",
          null);
    }
  }

  static @Nullable Path unpacked() {
    String architecture = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    String name = architecture.equals("aarch64") ? "arm_64" : "x86_64";
    try (InputStream archive =
        PostgresBinaries.class.getResourceAsStream("/postgres-linux-" + name + ".txz")) {
      if (archive == null) {
        return null;
      }
      requireXz();
      Path folder = DataFolder.create("postgres-binaries");
      Path file = folder.resolve("postgres.txz");
      Files.copy(archive, file);
      Shell.run(
          List.of("tar", "-xJf", file.toString(), "-C", folder.toString()),
          folder.resolve("unpack.log"));
      Shell.output(List.of("chmod", "755", folder.toString()));
      Files.delete(file);
      return folder.resolve("bin");
    } catch (IOException e) {
      throw new ServerUnavailableException("cannot unpack the binaries of postgres", e);
    }
  }
}
