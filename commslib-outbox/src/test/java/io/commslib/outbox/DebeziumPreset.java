package io.commslib.outbox;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;

/** The connector properties as docs/debezium.md gives them, without the transform's prefix. */
final class DebeziumPreset {

  private static final String PREFIX = "transforms.outbox.";

  private DebeziumPreset() {}

  static Map<String, String> read() throws IOException {
    String page = Files.readString(Path.of("").toAbsolutePath().resolve("../docs/debezium.md"));
    int start = page.indexOf("```properties\n") + "```properties\n".length();
    Properties properties = new Properties();
    properties.load(new StringReader(page.substring(start, page.indexOf("```", start))));
    Map<String, String> preset = new HashMap<>();
    properties.forEach(
        (name, value) -> preset.put(name.toString().replace(PREFIX, ""), value.toString()));
    return preset;
  }
}
