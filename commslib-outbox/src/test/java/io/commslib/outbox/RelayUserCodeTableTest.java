package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.resilience.Backoff;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Modifier;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Each parameter of the public API that can run user code has a row: the tests that plant its
 * failures, or the reason why there is none.
 */
class RelayUserCodeTableTest {

  /** Types of values: they can't run user code. */
  private static final Set<Class<?>> VALUES =
      Set.of(
          String.class,
          Duration.class,
          Instant.class,
          LocalDate.class,
          Destination.class,
          Message.class,
          Backoff.class,
          OutboxConfig.class,
          OutboxConfig.OnParked.class,
          ParkedFilter.class);

  /** Tests, by parameter. */
  private static final Map<String, List<String>> ROWS = new TreeMap<>();

  /** Parameters without a row, and the reason. */
  private static final Map<String, String> NO_ROW = new TreeMap<>();

  static {
    row(
        "OutboxRelay.create(MessageTransport)",
        "RelayUserCodeTest.aTransportFaultIsAFailedAttemptOfItsRowOnlyAndParksItInTheEnd",
        "RelayUserCodeTest.aFaultThatHappensOnceIsAFailedAttemptAndTheMessageIsPublished",
        "RelayUserCodeTest.anErrorOfTheJvmPausesTheRelayWhichReportsItAndGivesItsShardsBack",
        "RelayUserCodeTest.aRelayWithAHangingPublishLosesItsShardsAndAnotherPublishes",
        "RelayUserCodeTest.anInterruptFlagThatIsLeftSetStopsNothing",
        "RelayUserCodeTest.aTransportWithFailingPropertiesIsRejectedByCreate",
        "RelayUserCodeTest.aThrowAfterTheSendIsAFailedAttempt");
    row(
        "OutboxConfig.Builder.observer(CommsObserver)",
        "RelayUserCodeTest.aFailingObserverDelaysNoMessage",
        "RelayTroubleTest.anObserverThatFailsOrHangsDelaysNoMessage");
    row(
        "JdbcOutbox.create(JdbcDatabase)",
        "RelayUserCodeTest.driverFaultsEndNoLoop",
        "RelayTroubleTest.reportsThatTheDatabaseIsUnavailableAndAvailableAgain");
    row(
        "OutboxRelay.create(CommsRuntime)",
        "RelayUserCodeTest.aThreadThatHasEndedIsNamedAndItsShardsAreUnowned");

    String caller =
        "on the caller's thread, in the caller's transaction: its failures reach the caller";
    for (String method : List.of("publish", "publishAll", "ordered", "publishLater", "cancel")) {
      NO_ROW.put("JdbcOutbox." + method + "(TransactionContext)", caller);
    }
    for (String type : List.of("Outbox", "InMemoryOutbox")) {
      NO_ROW.put(type + ".publish(TransactionContext)", caller);
      NO_ROW.put(type + ".publishAll(TransactionContext)", caller);
    }
    for (String type : List.of("JdbcOutbox", "Outbox", "InMemoryOutbox")) {
      NO_ROW.put(type + ".publishAll(List)", caller);
    }
    NO_ROW.put("OutboxAdmin.create(JdbcDatabase)", "on the caller's thread");
    NO_ROW.put(
        "InMemoryOutbox.create(Publisher)",
        "for tests: its failures reach the caller that commits");
    NO_ROW.put("InMemoryOutbox.create(TransactionRunner)", "only its database is read");
    NO_ROW.put(
        "OutboxRelay.create(JdbcOutbox)", "created by the library from parameters that have rows");
    NO_ROW.put(
        "OutboxNotifier.create(JdbcOutbox)",
        "created by the library from parameters that have rows");
    NO_ROW.put(
        "OutboxNotifier.create(DataSource)",
        "its failures are those of a database, which OutboxNotifierIT tests");
    NO_ROW.put("OutboxNotifier.create(CommsRuntime)", "a failing runtime is not supported");
  }

  /** The methods that a relay calls of a transport; its publisher is called for each message. */
  static final Set<String> CALLED_OF_THE_TRANSPORT =
      Set.of("capabilities", "maxMessageBytes", "name", "publishTimeout", "publisher");

  /** The methods that a relay calls of an observer. */
  static final Set<String> CALLED_OF_THE_OBSERVER = Set.of("onTrouble");

  private static void row(String parameter, String... tests) {
    ROWS.put(parameter, List.of(tests));
  }

  @Test
  void everyParameterThatAcceptsUserCodeHasARow() throws Exception {
    Set<String> found = new TreeSet<>();
    for (Class<?> type : publicTypes()) {
      for (Executable each : executables(type)) {
        for (Class<?> parameter : each.getParameterTypes()) {
          if (!parameter.isPrimitive() && !VALUES.contains(parameter)) {
            found.add(name(type) + "." + each.getName() + "(" + parameter.getSimpleName() + ")");
          }
        }
      }
    }
    Set<String> rows = new TreeSet<>(ROWS.keySet());
    rows.addAll(NO_ROW.keySet());
    assertThat(found).isEqualTo(rows);
  }

  @Test
  void everyTestThatARowNamesExists() throws Exception {
    for (List<String> tests : ROWS.values()) {
      for (String test : tests) {
        int dot = test.indexOf('.');
        Class<?> type = Class.forName("io.commslib.outbox." + test.substring(0, dot));
        assertThat(Arrays.stream(type.getDeclaredMethods()).map(method -> method.getName()))
            .contains(test.substring(dot + 1));
      }
    }
  }

  private static String name(Class<?> type) {
    return type.getName().substring(type.getPackageName().length() + 1).replace('$', '.');
  }

  private static List<Executable> executables(Class<?> type) {
    if (type.isRecord() || type.isEnum()) {
      return List.of();
    }
    Constructor<?>[] made = type.getDeclaredConstructors();
    return Stream.concat(Arrays.stream(type.getDeclaredMethods()), Arrays.stream(made))
        .filter(each -> !each.isSynthetic() && isOpen(each.getModifiers()))
        .map(Executable.class::cast)
        .toList();
  }

  private static List<Class<?>> publicTypes()
      throws IOException, URISyntaxException, ClassNotFoundException {
    Path root =
        Path.of(OutboxRelay.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    List<String> names;
    try (Stream<Path> files = Files.walk(root.resolve("io/commslib/outbox"))) {
      names =
          files
              .map(file -> root.relativize(file).toString())
              .filter(file -> file.endsWith(".class") && !file.endsWith("package-info.class"))
              .map(file -> file.substring(0, file.length() - ".class".length()).replace('/', '.'))
              .toList();
    }
    List<Class<?>> types = new ArrayList<>();
    for (String name : names) {
      Class<?> type = Class.forName(name);
      if (isReachable(type)) {
        types.add(type);
      }
    }
    assertThat(types).contains(OutboxRelay.class, OutboxConfig.Builder.class, Outbox.class);
    return types;
  }

  private static boolean isReachable(Class<?> type) {
    Class<?> outer = type.getEnclosingClass();
    return isOpen(type.getModifiers()) && (outer == null || isReachable(outer));
  }

  private static boolean isOpen(int modifiers) {
    return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
  }
}
