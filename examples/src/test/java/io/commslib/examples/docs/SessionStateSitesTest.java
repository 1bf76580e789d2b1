package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * On PostgreSQL a pooler may run each transaction of a connection in another session. Each place of
 * the library's code that could leave something in a session has a row in a table here with the
 * reason why it ends with its transaction, or never runs behind such a pooler.
 */
class SessionStateSitesTest {

  private static final Pattern SITE =
      Pattern.compile(
          "\\.(?:setTransactionIsolation|setReadOnly|setSchema|setCatalog|setHoldability"
              + "|setNetworkTimeout|setClientInfo)\\("
              + "|\\bSET (?:SESSION|LOCAL \\w+|TRANSACTION|STATEMENT|LOCK_TIMEOUT|TIME ZONE|@@)"
              + "|\\b(?:UN)?LISTEN (?=\")|set_config\\((?='\\w+|')"
              + "|\\bpg_\\w*advisory\\w*|\\b(?:GET|RELEASE)_LOCK\\b"
              + "|\\b(?:DEALLOCATE|DISCARD (?:ALL|PLANS|TEMP)|CREATE TEMP|PREPARE) ");

  private static final String LOCAL =
      "until the end of the transaction: its last parameter is true";
  private static final String LOCK = "a lock of the transaction";
  private static final String H2_OR_MYSQL =
      "on H2, MariaDB and MySQL, and for statements that commit by themselves; restored";
  private static final String SCHEMA_MYSQL = "changes tables on MariaDB and MySQL; restored";
  private static final String LISTENER =
      "the notifier's connection, which must not go through such a pooler: it checks that";

  private static final Map<String, String> REASONS =
      Map.ofEntries(
          Map.entry("BorrowedConnection: .setTransactionIsolation( x2", H2_OR_MYSQL),
          Map.entry("KeyLocks: pg_advisory_xact_lock", LOCK),
          Map.entry("OutboxNotifier: LISTEN  x2", LISTENER),
          Map.entry("OutboxNotifier: UNLISTEN  x2", LISTENER),
          Map.entry("PostgresInboxInsert: set_config( x2", LOCAL),
          Map.entry("PostgresRequestClaims: pg_try_advisory_xact_lock", LOCK),
          Map.entry("PostgresRows: pg_try_advisory_xact_lock_shared", LOCK),
          Map.entry("PostgresRows: set_config( x3", LOCAL),
          Map.entry("SchemaLock: GET_LOCK", SCHEMA_MYSQL),
          Map.entry("SchemaLock: RELEASE_LOCK", SCHEMA_MYSQL),
          Map.entry("SchemaLock: SET SESSION x2", SCHEMA_MYSQL),
          Map.entry("SchemaLock: pg_advisory_xact_lock", LOCK),
          Map.entry("ShardTable: set_config(", LOCAL),
          Map.entry("SharedSessions: DEALLOCATE ", "always fails, and changes nothing"),
          Map.entry("SqlDialect: SET LOCAL lock_timeout", "until the end of the transaction"),
          Map.entry("SqlDialect: SET LOCK_TIMEOUT", "on H2"),
          Map.entry("SqlDialect: SET STATEMENT", "on MariaDB, and ends with its statement"),
          Map.entry("SqlDialect: SET TRANSACTION", "of one transaction"));

  @Test
  void eachPlaceThatCouldLeaveSomethingInASessionHasAReason() throws IOException {
    Map<String, Integer> found = new TreeMap<>();
    for (Path folder : LibrarySchemas.folders("src/main/java")) {
      if (folder.toString().contains("testkit")) {
        continue;
      }
      for (Path source : LibrarySchemas.files(folder, ".java")) {
        String type = source.getFileName().toString().replace(".java", "");
        String code = Files.readString(source).replaceAll("(?m)^ *(/\\*\\*|\\*|//).*$", "");
        Matcher site = SITE.matcher(code);
        while (site.find()) {
          found.merge(type + ": " + site.group(), 1, Integer::sum);
        }
      }
    }
    Set<String> sites = new TreeSet<>();
    found.forEach((site, count) -> sites.add(count == 1 ? site : site + " x" + count));
    assertThat(sites).isEqualTo(new TreeSet<>(REASONS.keySet()));
  }

  /** In the form in which the library writes it, which may span lines. */
  @Test
  void eachSettingByFunctionEndsWithItsTransaction() throws IOException {
    Pattern setting = Pattern.compile("set_config\\('[^;]*?(true|false)\\)");
    int settings = 0;
    for (Path folder : LibrarySchemas.folders("src/main/java")) {
      for (Path source : LibrarySchemas.files(folder, ".java")) {
        Matcher each = setting.matcher(Files.readString(source));
        while (each.find()) {
          settings++;
          assertThat(each.group(1)).as("%s: %s", source, each.group()).isEqualTo("true");
        }
      }
    }
    assertThat(settings).isEqualTo(6);
  }
}
