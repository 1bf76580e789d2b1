package io.commslib.examples.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ForkJoinPool;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The arrows between the modules, read from their compiled classes. Core's own layering is in the
 * test of the same name in {@code commslib-core}.
 */
class ArchitectureTest {

  /** The modules that each module may use. A module without a row fails. */
  private static final Map<String, List<String>> MODULES =
      Map.ofEntries(
          Map.entry("core", List.of()),
          Map.entry("jackson", List.of("core")),
          Map.entry("resilience", List.of("core")),
          Map.entry("http", List.of("core", "resilience")),
          Map.entry("grpc", List.of("core", "resilience")),
          Map.entry("jdbc", List.of("core")),
          Map.entry("outbox", List.of("core", "jdbc")),
          Map.entry("idempotency", List.of("core", "jdbc")),
          Map.entry("saga", List.of("core", "jdbc", "outbox")),
          Map.entry("kafka", List.of("core")),
          Map.entry("rabbit", List.of("core")),
          Map.entry("spring", List.of("core", "jdbc")),
          Map.entry("service", List.of("core", "jdbc", "outbox", "idempotency", "jackson")),
          Map.entry("testkit", List.of("core")),
          Map.entry("testkit-servers", List.of("core")));

  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
  private static final Map<String, JavaClasses> CLASSES = new TreeMap<>();

  @BeforeAll
  static void readModules() throws IOException {
    try (Stream<Path> folders = Files.list(ROOT)) {
      for (Path folder : folders.toList()) {
        String name = folder.getFileName().toString();
        Path classes = folder.resolve("target/classes");
        if (name.startsWith("commslib-") && Files.isDirectory(folder.resolve("src/main/java"))) {
          assertThat(classes).isDirectory();
          CLASSES.put(
              name.substring("commslib-".length()), new ClassFileImporter().importPath(classes));
        }
      }
    }
  }

  @Test
  void eachModuleHasARow() {
    assertThat(CLASSES.keySet()).containsExactlyInAnyOrderElementsOf(MODULES.keySet());
  }

  @Test
  void aModuleUsesOnlyTheModulesOfItsRow() {
    CLASSES.forEach(
        (module, itsClasses) -> {
          List<String> allowed = new ArrayList<>(List.of(packageOf(module)));
          MODULES.get(module).forEach(other -> allowed.add(packageOf(other)));
          classes()
              .should()
              .onlyDependOnClassesThat(
                  DescribedPredicate.describe(
                      "are foreign or of " + allowed,
                      used ->
                          !used.getPackageName().startsWith("io.commslib.")
                              || allowed.stream()
                                  .anyMatch(one -> isIn(used.getPackageName(), one))))
              .because("commslib-" + module + " may use " + MODULES.get(module))
              .check(itsClasses);
        });
  }

  @Test
  void noPackageIsInACircle() {
    for (String module : List.of("core", "testkit", "testkit-servers", "idempotency", "outbox")) {
      slices()
          .matching("io.commslib.(**)")
          .should()
          .beFreeOfCycles()
          .allowEmptyShould(true)
          .check(CLASSES.get(module));
    }
  }

  @Test
  void timeRandomnessAndThreadsComeThroughThePorts() {
    CLASSES.forEach(
        (module, itsClasses) -> {
          if (!module.startsWith("testkit") && !module.equals("core")) {
            noClasses()
                .should()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(java.time.Instant.class, "now")
                .orShould()
                .callMethod(java.time.Clock.class, "systemUTC")
                .orShould()
                .callMethod(Thread.class, "sleep", long.class)
                .orShould()
                .callConstructor(Thread.class, Runnable.class)
                .orShould()
                .callConstructor(Thread.class, Runnable.class, String.class)
                .orShould()
                .callConstructor(java.util.Random.class)
                .orShould()
                .callConstructor(java.security.SecureRandom.class)
                .orShould()
                .callMethod(java.util.concurrent.ThreadLocalRandom.class, "current")
                .orShould()
                .callMethod(java.util.UUID.class, "randomUUID")
                .orShould()
                .callMethod(ForkJoinPool.class, "commonPool")
                .orShould()
                .callMethod(
                    CompletableFuture.class, "supplyAsync", java.util.function.Supplier.class)
                .orShould()
                .callMethod(CompletableFuture.class, "runAsync", Runnable.class)
                .orShould()
                .dependOnClassesThat()
                .haveNameMatching(
                    "java\\.util\\.(Timer|concurrent\\.(Executors|ThreadPoolExecutor|ScheduledThreadPoolExecutor))")
                .because("commslib-" + module + " takes them from CommsRuntime")
                .check(itsClasses);
          }
        });
  }

  private static String packageOf(String module) {
    return "io.commslib." + module.replace('-', '.');
  }

  /** Whether a package belongs to a module: testkit.servers is a module of its own. */
  private static boolean isIn(String name, String module) {
    boolean servers = name.startsWith("io.commslib.testkit.servers");
    return (name.equals(module) || name.startsWith(module + "."))
        && servers == module.equals("io.commslib.testkit.servers");
  }
}
