package io.commslib.testkit.servers;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Ensures that no server and no data outlive this JVM.
 *
 * <p>An orderly end runs the shutdown hook. For every other end a shell process reads a pipe: it
 * gets the id of each process, and when the pipe closes for any reason, it ends the remaining
 * processes and deletes the folder that has all data.
 */
final class OrphanCleaner {

  private static final String SCRIPT =
      """
      trap '' HUP INT TERM QUIT
      groups=
      while read -r verb group; do
        rest=
        for known in $groups; do
          [ "$known" = "$group" ] || rest="$rest $known"
        done
        groups=$rest
        [ "$verb" = remove ] || groups="$groups $group"
      done
      for group in $groups; do kill -s QUIT -- "-$group"; done
      [ -z "$groups" ] || sleep 1
      for group in $groups; do kill -s KILL -- "-$group"; done
      for attempt in 1 2 3; do rm -rf -- "$1" && break; sleep 1; done
      """;

  private final Path folder;
  private final OutputStream pipe;
  private final ReentrantLock lock = new ReentrantLock();
  private final Set<ChildProcess> children = ConcurrentHashMap.newKeySet();
  private volatile boolean ending;

  private OrphanCleaner() {
    try {
      folder = Files.createTempDirectory("commslib-servers-");
      // A server that refuses to run as root must be able to enter the folder.
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
      pipe = startShell(folder);
    } catch (IOException e) {
      throw new ServerUnavailableException("cannot set up a folder for servers", e);
    }
    Thread hook = new Thread(this::endAll, "commslib-servers-shutdown-1");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  static OrphanCleaner instance() {
    return Holder.INSTANCE;
  }

  /** The folder of this JVM that holds the folders of its servers. */
  Path folder() {
    return folder;
  }

  void add(ChildProcess child) {
    children.add(child);
    tell("add", child);
    if (ending) {
      child.stop();
      throw new IllegalStateException("the JVM is shutting down");
    }
  }

  void remove(ChildProcess child) {
    if (children.remove(child)) {
      tell("remove", child);
    }
  }

  private void endAll() {
    ending = true;
    children.forEach(ChildProcess::stop);
  }

  private void tell(String verb, ChildProcess child) {
    lock.lock();
    try {
      pipe.write((verb + " " + child.pid() + "\n").getBytes(StandardCharsets.US_ASCII));
      pipe.flush();
    } catch (IOException shellIsGone) {
      // The shell process has ended. The hook still works, so the test continues.
      return;
    } finally {
      lock.unlock();
    }
  }

  private static OutputStream startShell(Path folder) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder("setsid", "sh", "-c", SCRIPT, "commslib-servers", folder.toString());
    builder.directory(Path.of("/").toFile());
    builder.redirectErrorStream(true);
    builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
    return builder.start().getOutputStream();
  }

  private static final class Holder {
    static final OrphanCleaner INSTANCE = new OrphanCleaner();
  }
}
