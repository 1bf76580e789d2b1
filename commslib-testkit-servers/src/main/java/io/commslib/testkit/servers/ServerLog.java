package io.commslib.testkit.servers;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The last lines of a server's log, for the message of a failure. */
final class ServerLog {

  private static final int LINES = 40;

  private ServerLog() {}

  static String tail(Path log) {
    try {
      // Not readAllLines: a server may print bytes that are not text.
      String text = new String(Files.readAllBytes(log), StandardCharsets.UTF_8);
      List<String> lines = text.lines().toList();
      List<String> last = lines.subList(Math.max(0, lines.size() - LINES), lines.size());
      return "; its log ends with:\n" + String.join("\n", last);
    } catch (IOException e) {
      return "; it wrote no log";
    }
  }
}
