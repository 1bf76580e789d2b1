package io.commslib.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SchemaScriptTest {

  private static final SchemaNames NAMES = new SchemaNames(SqlDialect.POSTGRESQL, "orders");
  private static final SchemaScripts SECOND =
      SchemaScripts.of("sample", 2, SchemaScriptsContract.class);

  private static SchemaScript parse(String text) {
    return SchemaScript.parse("h2-3.sql", 3, text, NAMES);
  }

  @Test
  void statesTheCompatibleProcessesOnItsFirstLine() {
    SchemaScript script = parse("-- compatible from: 2\nCREATE TABLE ${schema}a (b int);\n");
    assertThat(script.compatibleFrom()).isEqualTo(2);
    assertThat(script.statements()).containsExactly("CREATE TABLE \"orders\".a (b int)");
  }

  @Test
  void isForProcessesOfItsOwnVersionByDefault() {
    assertThat(parse("DROP TABLE a;\nDROP TABLE b;\n").compatibleFrom()).isEqualTo(3);
    assertThat(parse("").statements()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "4", "-1", "two", "", "2 3", "99999999999"})
  void refusesAnImpossibleVersion(String stated) {
    assertThatIllegalStateException()
        .isThrownBy(() -> parse("-- compatible from: " + stated + "\nSELECT 1;\n"))
        .withMessage(
            "h2-3.sql: compatible from: %s (expected: 1..3, on the first line)".formatted(stated));
  }

  @Test
  void refusesTheLineElsewhereInTheScript() {
    assertThatIllegalStateException()
        .isThrownBy(() -> parse("SELECT 1;\n-- compatible from: 2\nSELECT 2;\n"))
        .withMessageContaining("on the first line");
  }

  @Test
  void printsWithoutADatabase() {
    assertThat(SECOND.print(SqlDialect.POSTGRESQL, "orders", 1, 2))
        .isEqualTo(
            """
            -- sample, version 2, for processes of version 1 and newer
            ALTER TABLE "orders"."sample" ADD COLUMN IF NOT EXISTS name varchar(10);
            CREATE INDEX IF NOT EXISTS "sample_amount" ON "orders"."sample" (amount);
            CREATE TABLE IF NOT EXISTS "orders"."sample_note" (
              id bigint NOT NULL PRIMARY KEY
            );
            INSERT INTO "orders"."commslib_schema" (module, version, compatible_from, applied_at) \
            VALUES ('sample', 2, 1, clock_timestamp());
            """);
    assertThat(SECOND.print(SqlDialect.MARIADB, null, 0, 1))
        .startsWith("CREATE TABLE IF NOT EXISTS `commslib_schema` (module varchar(64) NOT NULL,")
        .contains("compatible_from int NOT NULL")
        .endsWith("VALUES ('sample', 1, 1, utc_timestamp(6));\n");
  }

  @ParameterizedTest
  @CsvSource({"-1, 2, from: -1 (expected: 0..1)", "2, 2, from: 2 (expected: 0..1)"})
  void refusesToPrintFromAVersionThatIsNotBelow(int from, int to, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SECOND.print(SqlDialect.H2, null, from, to))
        .withMessage(message);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 3})
  void refusesToPrintToAMissingVersion(int to) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SECOND.print(SqlDialect.H2, null, 0, to))
        .withMessage("to: %d (expected: 1..2)", to);
  }

  @Test
  void refusesToPrintForASchemaThatIsNoIdentifier() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SECOND.print(SqlDialect.H2, "a\" --", 0, 1))
        .withMessageStartingWith("schema: 'a\" --' (expected: [A-Za-z_]");
  }
}
