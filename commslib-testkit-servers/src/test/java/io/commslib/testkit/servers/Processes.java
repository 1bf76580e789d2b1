package io.commslib.testkit.servers;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.stream.Stream;

/** Lists the machine's processes. */
final class Processes {

  private Processes() {}

  /** The children of this JVM, except the shell that watches it. */
  static List<Long> ofThisJvm() {
    try (Stream<ProcessHandle> children = ProcessHandle.current().descendants()) {
      return children
          .filter(child -> !child.info().command().orElse("").endsWith("sh"))
          .map(ProcessHandle::pid)
          .toList();
    }
  }

  static boolean awaitGone(Collection<Long> pids) {
    return Polling.until(
        () ->
            pids.stream()
                .flatMap(pid -> ProcessHandle.of(pid).stream())
                .allMatch(ChildProcess::isGone),
        Duration.ofSeconds(10));
  }
}
