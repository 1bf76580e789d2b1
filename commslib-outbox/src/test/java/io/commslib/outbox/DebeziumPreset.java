package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.ForeignRecord;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import javax.sql.DataSource;

/** The connector properties as docs/debezium.md gives them, without the transform's prefix. */
final class DebeziumPreset {

  private static final String PREFIX = "transforms.outbox.";
  private static final String TEXT = "org.apache.kafka.connect.storage.StringConverter";

  /** The converters whose bytes {@link #route} makes; others would write other bytes. */
  private static final Map<String, String> CONVERTERS =
      Map.of(
          "key.converter", TEXT,
          "header.converter", TEXT,
          "value.converter", "io.debezium.converters.BinaryDataConverter");

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

  /**
   * Makes the records that the event router writes of the rows, with the converters of the page, in
   * the order of their ids.
   */
  static List<ForeignRecord> route(DataSource database, String table)
      throws IOException, SQLException {
    Map<String, String> preset = read();
    assertThat(preset).containsAllEntriesOf(CONVERTERS);
    String[] placement = preset.get("table.fields.additional.placement").split(":");
    String columns =
        String.join(
            ", ",
            preset.get("table.field.event.id"),
            preset.get("route.by.field"),
            preset.get("table.field.event.key"),
            preset.get("table.field.event.payload"),
            placement[0]);
    List<ForeignRecord> records = new ArrayList<>();
    try (Connection connection = database.getConnection();
        PreparedStatement select =
            connection.prepareStatement("SELECT " + columns + " FROM " + table + " ORDER BY id");
        ResultSet row = select.executeQuery()) {
      while (row.next()) {
        ForeignRecord.Builder record =
            ForeignRecord.builder()
                .boundName(
                    row.getString(2)
                        .replaceFirst(
                            "^" + preset.get("route.topic.regex") + "$",
                            preset.get("route.topic.replacement")))
                .header("id", utf8(Long.toString(row.getLong(1))))
                .header(placement[2], utf8(row.getString(5)))
                .body(row.getBytes(4));
        String key = row.getString(3);
        if (key != null) {
          record.key(utf8(key));
        }
        records.add(record.build());
      }
    }
    return records;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
