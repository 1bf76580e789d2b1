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
 * Checks that each parameter of the public API through which user code can enter has a case in
 * {@link SagaUserCodeTest}, and so has each interface that users implement.
 */
class SagaUserCodeTableTest {

  /** Values, none of which can run user code. */
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
   * Other parameters without a case: the object was built from objects that have one, or is created
   * by the library, or is used in the user's own tests.
   */
  private static final Set<String> NO_CASE =
      Set.of(
          "SagaEngine.Builder.define(SagaDefinition)",
          // Those of the definition's builder.
          "StepBuilder.key(Function)",
          "StepBuilder.onCompleted(SagaHook)",
          "StepBuilder.onCompensated(SagaHook)",
          "SagaEngine.start(TransactionContext)",
          "SagaEngine.start(SagaDefinition)",
          // The state, which only the codec reads.
          "SagaEngine.start(Object)",
          // The engine does not promise to survive a runtime that fails or hangs.
          "SagaEngine.Builder.runtime(CommsRuntime)",
          // Passed by the engine.
          "SagaHook.run(Object)",
          "SagaHook.run(TransactionContext)",
          // On the caller's thread, which handles a command; failures reach the handler.
          "Replies.to(Delivery)",
          "Replies.to(TypeRegistry)",
          "Replies.to(Object)",
          // On the thread of a user's test.
          "SagaScenario.given(SagaDefinition)",
          "SagaScenario.given(Object)",
          "SagaScenario.whenReply(Object)",
          "SagaScenario.whenCompensationReply(Object)",
          "SagaScenario.thenState(Object)",
          // A value.
          "SagaLogEntry.equals(Object)",
          // Created by the library.
          "SagaException.<init>(FailureKind)",
          "SagaException.<init>(Throwable)");

  @Test
  void everyParameterThroughWhichUserCodeEntersHasACase() {
    Set<String> found = new TreeSet<>();
    for (Class<?> type : publicTypes()) {
      for (Executable each : executables(type)) {
        for (Class<?> parameter : each.getParameterTypes()) {
          if (!parameter.isPrimitive() && !VALUES.contains(parameter)) {
            found.add(parameter(name(type) + "." + name(each), parameter));
          }
        }
      }
    }
    Set<String> rows = new TreeSet<>(NO_CASE);
    for (Place place : Place.values()) {
      rows.add(parameter(place.method, place.type));
    }
    assertThat(found).isEqualTo(rows);
  }

  @Test
  void everyInterfaceThatUsersImplementHasACase() {
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
  void everyPlaceIsTestedOnEachThreadThatCanReachIt() {
    Set<String> tested = new TreeSet<>();
    for (FaultCase each : SagaUserCodeTest.CASES) {
      tested.add(each.place() + " " + each.path());
    }
    Set<String> required = new TreeSet<>();
    for (Place place : Place.values()) {
      if (place != Place.OBSERVER && place != Place.DATA_SOURCE) {
        required.add(place + " " + Path.REPLY);
      }
    }
    // Reached by replies only: the timer neither reads a reply nor completes a saga.
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
        required.add(place + " " + Path.TIMER);
      }
    }
    required.add(Place.OBSERVER + " " + Path.OBSERVER);
    assertThat(tested).isEqualTo(required);
  }

  private static String parameter(String method, Class<?> type) {
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
            Arrays.stream(type.getDeclaredConstructors()).filter(constructor -> !type.isRecord()))
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
