package io.commslib.outbox;

import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Lists of rows as MySQL and MariaDB take them, which have no arrays. */
final class RowIds {

  private RowIds() {}

  /**
   * What goes between FROM and WHERE so that a statement sees the rows of a list, its one
   * parameter, and reads no other: it would wait for the unfinished insert of any row it passes on
   * its way, and with a list of ids alone the server may choose to pass them all.
   *
   * @param table named {@code t} from here on
   */
  static String listed(String table, String idColumn) {
    return "JSON_TABLE(?, '$[*]' COLUMNS(shard smallint PATH '$[0]', id bigint PATH '$[1]')) d"
        + " STRAIGHT_JOIN "
        + table
        + " t FORCE INDEX (PRIMARY) ON t.shard = d.shard AND t."
        + idColumn
        + " = d.id";
  }

  /** The list for that. */
  static String list(Collection<OutboxRow> rows) {
    return rows.stream()
        .map(row -> "[" + row.shard() + "," + row.id() + "]")
        .collect(Collectors.joining(",", "[", "]"));
  }

  /** The ids of each shard, separated by commas. */
  static Map<Integer, String> byShard(Collection<OutboxRow> rows) {
    return rows.stream()
        .collect(
            Collectors.groupingBy(
                OutboxRow::shard,
                TreeMap::new,
                Collectors.mapping(row -> Long.toString(row.id()), Collectors.joining(", "))));
  }
}
