package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.benchmarks.chaos.ChaosTables;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.outbox.OutboxSchema;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;

/**
 * A small file system in memory that contains only the message table of the database. Mounting
 * requires root.
 */
final class SmallDisk implements AutoCloseable {

  private static final int CHUNK_BYTES = 4_096;
  private static final int ATTEMPTS = 1_000;

  private final Path mount;
  private final Path folder;

  private SmallDisk(Path mount, Path folder) {
    this.mount = mount;
    this.folder = folder;
  }

  static SmallDisk mount(ChaosDatabase server, int megabytes) throws IOException {
    Path mount = Files.createTempDirectory("commslib-chaos-disk");
    run(
        "mount",
        "-t",
        "tmpfs",
        "-o",
        "mode=0755,size=" + megabytes + "m",
        "tmpfs",
        mount.toString());
    SmallDisk disk = new SmallDisk(mount, Files.createDirectory(mount.resolve("data")));
    String owner =
        ProcessHandle.of(server.pids().iterator().next())
            .flatMap(process -> process.info().user())
            .orElseThrow();
    run("chown", owner, disk.folder.toString());
    return disk;
  }

  private static void run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (process.waitFor() != 0) {
        throw new IOException(
            String.join(" ", command) + " (expected: to succeed, as root): " + output.strip());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** Places the message table on the disk; creates the outbox's tables. */
  void placeMessageTable(JdbcDatabase database) throws SQLException {
    ChaosTables tables = new ChaosTables(database);
    String message = database.table("outbox_message");
    if (database.dialect().isMySql()) {
      List<String> statements = Arrays.asList(OutboxSchema.scripts().print(database).split(";\n"));
      tables.execute(statements.get(0));
      String create =
          statements.stream().filter(sql -> sql.contains(message + " (")).findFirst().orElseThrow();
      tables.execute(create + " DATA DIRECTORY = '" + folder + "'");
      OutboxSchema.scripts().apply(database);
      return;
    }
    OutboxSchema.scripts().apply(database);
    tables.execute("CREATE TABLESPACE commslib_chaos LOCATION '" + folder + "'");
    tables.execute("ALTER TABLE " + message + " SET TABLESPACE commslib_chaos");
    tables.execute(
        "ALTER INDEX "
            + message.replace("outbox_message", "outbox_message_pkey")
            + " SET TABLESPACE commslib_chaos");
  }

  /** Fills the disk, also while the server frees some space. */
  void fill() throws IOException {
    byte[] piece = new byte[CHUNK_BYTES];
    try (OutputStream file = Files.newOutputStream(mount.resolve("filler"))) {
      for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        try {
          while (true) {
            file.write(piece);
          }
        } catch (IOException diskFull) {
          if (mount.toFile().getUsableSpace() < CHUNK_BYTES) {
            return;
          }
        }
      }
    }
    throw new IOException("free space: " + mount.toFile().getUsableSpace() + " (expected: none)");
  }

  /** Frees the space that {@link #fill} used. */
  void freeSpace() throws IOException {
    Files.delete(mount.resolve("filler"));
  }

  /** Unmounts the disk; it is removed when the server has closed its files. */
  @Override
  public void close() throws IOException {
    run("umount", "--lazy", mount.toString());
    Files.delete(mount);
  }
}
