package io.commslib.core;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.messaging.MessageIds;
import io.commslib.core.time.SystemRuntime;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ForkJoinPool;
import org.junit.jupiter.api.Test;

/** What core may touch. */
class ArchitectureTest {

  private final JavaClasses core =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.commslib.core");

  @Test
  void coreNeedsNothingButTheJdkAndItsLoggingFacade() {
    classes()
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(
            "io.commslib.core..",
            "java..",
            "org.slf4j..",
            // annotations, for tools only
            "org.jspecify..",
            "com.google.errorprone.annotations..")
        .check(core);
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
