package io.commslib.testkit.servers;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.stream.Stream;

/** Looks at the machine's processes. */
final class Processes {

  private Processes() {}

  /** Children of this JVM, save the shell that watches it. */
  static List<Long> ofThisJvm() {
    try (Stream<ProcessHandle> children = ProcessHandle.current().descendants()) {
      return children
          .filter(child -> !child.info().command().orElse("").endsWith("sh"))
          .map(ProcessHandle::pid)
          .toList();
    }
  }

  static boolean awaitGone(Collection<Long> pids) {
    return Poll.until(
        () ->
            pids.stream()
                .flatMap(pid -> ProcessHandle.of(pid).stream())
                .allMatch(ChildProcess::isGone),
        Duration.ofSeconds(10));
  }
}
