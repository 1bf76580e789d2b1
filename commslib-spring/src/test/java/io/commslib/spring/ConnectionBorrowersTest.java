package io.commslib.spring;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcTransactions;
import io.commslib.jdbc.SingleStatements;
import io.commslib.jdbc.SqlDialect;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.datasource.ConnectionHolder;

/** Checks that all places that borrow or change a connection are tested. */
class ConnectionBorrowersTest {

  private static final Set<String> CHANGES =
      Set.of(
          "setAutoCommit",
          "setTransactionIsolation",
          "setReadOnly",
          "setSchema",
          "setCatalog",
          "setHoldability",
          "setNetworkTimeout",
          "setClientInfo",
          "setTypeMap",
          "beginRequest",
          "endRequest",
          "setShardingKey",
          "abort");

  /** Matches SQL that changes a session. {@code SET STATEMENT} ends with its statement. */
  private static final Pattern SETTING =
      Pattern.compile(
          "set_config\\(|\\bSET (?!STATEMENT)(LOCAL |SESSION |GLOBAL )?[A-Za-z_]*_?(LOCK_TIMEOUT|lock_timeout|schema|SCHEMA|search_path)\\b"
              + "|\\bLISTEN |GET_LOCK|pg_advisory_lock|pg_try_advisory_lock|SET SESSION|SET @@|SET TRANSACTION|SET TIME ZONE");

  private final JavaClasses library =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .withImportOption(location -> !location.contains("-tests.jar"))
          .withImportOption(location -> !location.contains("testkit"))
          .importPackages("io.commslib");

  private Set<String> callers(Predicate<JavaMethodCall> call) {
    return library.stream()
        .filter(type -> type.getMethodCallsFromSelf().stream().anyMatch(call))
        .map(ConnectionBorrowersTest::outermost)
        .collect(Collectors.toSet());
  }

  private static String outermost(JavaClass type) {
    return type.getName().replaceAll("\\$.*", "");
  }

  private static boolean isOn(JavaMethodCall call, Class<?> owner, String name) {
    return call.getName().equals(name) && call.getTargetOwner().isAssignableTo(owner);
  }

  @Test
  void everyClassThatBorrowsAConnectionIsInTheTable() {
    Set<String> found =
        callers(
            call ->
                isOn(call, DataSource.class, "getConnection")
                    || isOn(call, ConnectionHolder.class, "getConnection")
                    || isOn(call, TransactionContext.class, "unwrap")
                    || isOn(call, JdbcTransactions.class, "connection")
                    || isOn(call, SingleStatements.class, "run"));
    // It reads the settings on a connection that another class has borrowed.
    found.add("io.commslib.jdbc.JdbcDatabase");
    assertThat(found).isEqualTo(ConnectionBorrowers.CLASSES.keySet());
  }

  @Test
  void everyClassThatChangesAConnectionIsInTheTable() {
    assertThat(
            callers(
                call ->
                    CHANGES.contains(call.getName())
                        && call.getTargetOwner().isAssignableTo(Connection.class)))
        .isEqualTo(ConnectionBorrowers.CONNECTION_CHANGERS);
  }

  @Test
  void everyClassWhoseSqlChangesASessionIsInTheTable() {
    Set<String> found =
        library.stream()
            .filter(type -> SETTING.matcher(bytes(type)).find())
            .map(ConnectionBorrowersTest::outermost)
            .collect(Collectors.toSet());
    found.addAll(callers(call -> isOn(call, SqlDialect.class, "lockTimeout")));
    assertThat(found).isEqualTo(ConnectionBorrowers.SESSION_CHANGERS.keySet());
  }

  /** Returns the class file as text, which has its SQL in one or more pieces. */
  private static String bytes(JavaClass type) {
    try (InputStream file = type.getSource().orElseThrow().getUri().toURL().openStream()) {
      return new String(file.readAllBytes(), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
