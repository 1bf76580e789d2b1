package io.commslib.core;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.messaging.MessageIds;
import io.commslib.core.time.SystemRuntime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ForkJoinPool;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The dependencies that core and each of its packages may have. */
class ArchitectureTest {

  private static final String CORE = "io.commslib.core";
  private static final String ROOT = "root";

  /** Each package of core, from the bottom up, with the packages that it may use. */
  private static final Map<String, Set<String>> LAYERS = layers();

  private static Map<String, Set<String>> layers() {
    Map<String, Set<String>> layers = new LinkedHashMap<>();
    layers.put(ROOT, Set.of());
    layers.put("checks", Set.of());
    layers.put("hash", Set.of());
    layers.put("time", Set.of(ROOT, "checks"));
    layers.put("tx", Set.of(ROOT, "checks", "time"));
    layers.put("call", Set.of(ROOT, "checks", "time", "tx"));
    layers.put("resilience", Set.of(ROOT, "checks", "time", "call"));
    layers.put("idempotency", Set.of(ROOT, "checks", "tx", "time"));
    layers.put("messaging", Set.of(ROOT, "checks", "hash", "time", "tx", "call", "resilience"));
    layers.put("codec", Set.of(ROOT, "checks", "messaging"));
    layers.put("observe", Set.of(ROOT, "checks", "time", "call", "resilience", "messaging"));
    layers.put("redrive", Set.of(ROOT, "checks", "time", "messaging", "observe"));
    layers.put("lifecycle", Set.of(ROOT, "checks", "time", "messaging", "observe"));
    layers.put("tls", Set.of(ROOT, "checks", "time", "lifecycle"));
    layers.put("format", Set.of(ROOT, "checks", "hash", "messaging", "codec"));
    layers.put("wire", Set.of(ROOT, "checks", "hash", "messaging"));
    layers.put("engine", Set.copyOf(layers.keySet()));
    layers.put("inmemory", Set.copyOf(layers.keySet()));
    return layers;
  }

  /** A name of a package of core, as imports and Javadoc links write it. */
  private static final Pattern QUALIFIED = Pattern.compile("io\\.commslib\\.core\\.([a-z]+)\\.");

  private static final Pattern CODE = Pattern.compile("\\{@code[^}]*}", Pattern.DOTALL);

  private final JavaClasses core =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(CORE);

  @Test
  void coreNeedsNothingButTheJdkAndItsLoggingFacade() {
    classes()
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(
            "io.commslib.core..",
            "java..",
            "javax.net.ssl..",
            "javax.security.auth..",
            "org.slf4j..",
            // annotations, for tools only
            "org.jspecify..",
            "com.google.errorprone.annotations..")
        .check(core);
  }

  @Test
  void everyPackageHasARow() {
    assertThat(LAYERS.keySet())
        .containsAll(core.stream().map(ArchitectureTest::layer).collect(Collectors.toSet()));
  }

  @Test
  void rowsOnlyAllowPackagesFurtherDown() {
    Set<String> below = new HashSet<>();
    LAYERS.forEach(
        (layer, allowed) -> {
          assertThat(below).as(layer).containsAll(allowed);
          below.add(layer);
        });
  }

  @Test
  void packagesUseOnlyThePackagesOfTheirRow() {
    Set<String> violations = new TreeSet<>();
    for (JavaClass type : core) {
      for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
        JavaClass target = dependency.getTargetClass().getBaseComponentType();
        if (target.getPackageName().startsWith(CORE) && !mayUse(layer(type), layer(target))) {
          violations.add(layer(type) + " -> " + layer(target) + ": " + dependency.getDescription());
        }
      }
    }
    assertThat(violations).isEmpty();
  }

  /** Javadoc links leave no trace in class files, so this reads the sources. */
  @Test
  void importsAndJavadocLinksPointOnlyToThePackagesOfTheRow() throws IOException {
    Set<String> violations = new TreeSet<>();
    Path main = Path.of("src", "main", "java", "io", "commslib", "core");
    try (Stream<Path> files = Files.walk(main)) {
      for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
        Path folder = main.relativize(file).getParent();
        String layer = folder == null ? ROOT : folder.toString();
        Matcher name = QUALIFIED.matcher(CODE.matcher(Files.readString(file)).replaceAll(""));
        while (name.find()) {
          if (!mayUse(layer, name.group(1))) {
            violations.add(main.relativize(file) + " -> " + name.group(1));
          }
        }
      }
    }
    assertThat(violations).isEmpty();
  }

  private static boolean mayUse(String layer, String other) {
    return layer.equals(other) || LAYERS.getOrDefault(layer, Set.of()).contains(other);
  }

  private static String layer(JavaClass type) {
    String name = type.getPackageName();
    return name.equals(CORE) ? ROOT : name.substring(CORE.length() + 1);
  }

  @Test
  void timeRandomnessAndThreadsComeThroughThePorts() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.commslib.core.time")
        .and()
        .doNotBelongToAnyOf(MessageIds.class, Lifecycle.class)
        .should()
        .callMethod(System.class, "nanoTime")
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(java.time.Instant.class, "now")
        .orShould()
        .callMethod(Thread.class, "sleep", long.class)
        .orShould()
        .callConstructor(Thread.class, Runnable.class)
        .orShould()
        .callMethod(ForkJoinPool.class, "commonPool")
        .orShould()
        .callMethod(CompletableFuture.class, "supplyAsync", java.util.function.Supplier.class)
        .check(core);
  }

  @Test
  void onlyTheSystemRuntimeMakesThreadPools() {
    noClasses()
        .that()
        .doNotBelongToAnyOf(SystemRuntime.class)
        .should()
        .dependOnClassesThat()
        .haveNameMatching(
            "java\\.util\\.concurrent\\.(Executors|ThreadPoolExecutor|ScheduledThreadPoolExecutor)")
        .check(core);
  }
}
