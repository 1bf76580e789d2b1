package io.commslib.saga;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Destination;
import io.commslib.saga.SagaUserCodeTest.FaultCase;
import io.commslib.saga.SagaUserCodeTest.Path;
import io.commslib.saga.SagaUserCodeTest.Place;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Executable;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Each parameter of the public API through which code of others can come in has a row in {@link
 * SagaUserCodeTest}, and so has each interface that users implement.
 */
class SagaUserCodeTableTest {

  /** Values: none of them can run code of others. */
  private static final Set<Class<?>> VALUES =
      Set.of(
          String.class,
          Duration.class,
          Instant.class,
          Class.class,
          Object[].class,
          Destination.class,
          SagaConfig.class,
          SagaStatus.class,
          SagaLogEntry.Kind.class,
          StepPhase.class);

  /**
   * Parameters of other kinds, and why they have no row: the object was made of parts that have
   * one, or comes from the library, or is given to the user's own tests.
   */
  private static final Set<String> NO_ROW =
      Set.of(
          "SagaEngine.Builder.define(SagaDefinition)",
          // Those of the definition's builder.
          "StepBuilder.key(Function)",
          "StepBuilder.onCompleted(SagaHook)",
          "StepBuilder.onCompensated(SagaHook)",
          "SagaEngine.start(TransactionContext)",
          "SagaEngine.start(SagaDefinition)",
          // The state: its class is the codec's business.
          "SagaEngine.start(Object)",
          // A runtime that fails or hangs is not promised to be survived.
          "SagaEngine.Builder.runtime(CommsRuntime)",
          // Implemented by users and called by the engine, which passes it.
          "SagaHook.run(Object)",
          "SagaHook.run(TransactionContext)",
          // On the caller's thread, which handles a command; what is thrown reaches the handler.
          "Replies.to(Delivery)",
          "Replies.to(TypeRegistry)",
          "Replies.to(Object)",
          // On the thread of a user's test.
          "SagaScenario.given(SagaDefinition)",
          "SagaScenario.given(Object)",
          "SagaScenario.whenReply(Object)",
          "SagaScenario.whenCompensationReply(Object)",
          "SagaScenario.thenState(Object)",
          // Made by the library.
          "SagaException.<init>(FailureKind)",
          "SagaException.<init>(Throwable)");

  @Test
  void everyParameterThroughWhichCodeOfOthersComesInHasARow() {
    Set<String> found = new TreeSet<>();
    for (Class<?> type : publicTypes()) {
      for (Executable each : executables(type)) {
        for (Class<?> parameter : each.getParameterTypes()) {
          if (!parameter.isPrimitive() && !VALUES.contains(parameter)) {
            found.add(row(name(type) + "." + name(each), parameter));
          }
        }
      }
    }
    Set<String> rows = new TreeSet<>(NO_ROW);
    for (Place place : Place.values()) {
      rows.add(row(place.method, place.type));
    }
    assertThat(found).isEqualTo(rows);
  }

  @Test
  void everyInterfaceThatUsersImplementIsTheTypeOfARow() {
    Set<Class<?>> interfaces =
        publicTypes().stream()
            .filter(type -> type.isInterface() || Modifier.isAbstract(type.getModifiers()))
            .filter(type -> !type.isEnum())
            .collect(Collectors.toSet());
    Set<Class<?>> rows =
        Arrays.stream(Place.values()).map(place -> place.type).collect(Collectors.toSet());
    assertThat(rows).containsAll(interfaces);
  }

  @Test
  void everyPlaceIsMetOnEachThreadThatCanReachIt() {
    Set<String> met = new TreeSet<>();
    for (FaultCase cell : SagaUserCodeTest.CASES) {
      met.add(cell.place() + " " + cell.path());
    }
    Set<String> demanded = new TreeSet<>();
    for (Place place : Place.values()) {
      if (place != Place.OBSERVER && place != Place.DATA_SOURCE) {
        demanded.add(place + " " + Path.REPLY);
      }
    }
    // What only a reply leads to: the timer neither reads one nor completes a saga.
    Set<Place> repliesOnly =
        Set.of(
            Place.ON_REPLY,
            Place.REFUSED_BY,
            Place.COMPENSATED_BY,
            Place.ON_COMPLETED,
            Place.EVENT_DECODE,
            Place.OBSERVER);
    for (Place place : Place.values()) {
      if (!repliesOnly.contains(place)) {
        demanded.add(place + " " + Path.TIMER);
      }
    }
    demanded.add(Place.OBSERVER + " " + Path.OBSERVER);
    assertThat(met).isEqualTo(demanded);
  }

  private static String row(String method, Class<?> type) {
    return method + "(" + type.getSimpleName() + ")";
  }

  private static String name(Executable executable) {
    return executable instanceof java.lang.reflect.Constructor<?> ? "<init>" : executable.getName();
  }

  private static String name(Class<?> type) {
    return type.getName().substring(type.getPackageName().length() + 1).replace('$', '.');
  }

  private static List<Executable> executables(Class<?> type) {
    return Stream.concat(
            Arrays.stream(type.getDeclaredMethods())
                .filter(method -> !method.isSynthetic() && !type.isRecord()),
            Arrays.stream(type.getDeclaredConstructors()).filter(made -> !type.isRecord()))
        .filter(each -> isOpen(each.getModifiers()))
        .map(Executable.class::cast)
        .toList();
  }

  private static Set<Class<?>> publicTypes() {
    Set<Class<?>> types = new HashSet<>();
    java.nio.file.Path root;
    try {
      root =
          java.nio.file.Path.of(
              SagaEngine.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (java.net.URISyntaxException e) {
      throw new IllegalStateException(e);
    }
    try (Stream<java.nio.file.Path> files = Files.walk(root.resolve("io/commslib/saga"))) {
      files
          .map(file -> root.relativize(file).toString())
          .filter(file -> file.endsWith(".class") && !file.endsWith("package-info.class"))
          .map(file -> file.substring(0, file.length() - ".class".length()).replace('/', '.'))
          .map(SagaUserCodeTableTest::load)
          .filter(SagaUserCodeTableTest::isReachable)
          .forEach(types::add);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assertThat(types).contains(SagaEngine.class, SagaEngine.Builder.class, SagaHook.class);
    return types;
  }

  private static boolean isReachable(Class<?> type) {
    Class<?> outer = type.getEnclosingClass();
    return isOpen(type.getModifiers()) && (outer == null || isReachable(outer));
  }

  private static boolean isOpen(int modifiers) {
    return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
  }

  private static Class<?> load(String name) {
    try {
      return Class.forName(name);
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }
}
