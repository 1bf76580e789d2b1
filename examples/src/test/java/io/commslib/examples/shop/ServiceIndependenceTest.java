package io.commslib.examples.shop;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** Services share messages and common components, but do not depend on each other. */
class ServiceIndependenceTest {

  private static final String SHOP = "io.commslib.examples.shop.";

  private final JavaClasses classes =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.commslib.examples.shop");

  @Test
  void servicesDoNotDependOnEachOther() {
    slices()
        .matching(SHOP + "(order|payment|inventory|shipping|storefront)..")
        .should()
        .notDependOnEachOther()
        .check(classes);
  }

  @Test
  void theCheckSharesNoCodeWithTheServices() {
    noClasses()
        .that()
        .resideInAPackage(SHOP + "check..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            SHOP + "order..",
            SHOP + "payment..",
            SHOP + "inventory..",
            SHOP + "shipping..",
            SHOP + "storefront..",
            SHOP + "messages..",
            SHOP + "platform..")
        .check(classes);
  }

  @Test
  void servicesDependOnNoBrokerAndNoCommandLine() {
    noClasses()
        .that()
        .resideInAnyPackage(
            SHOP + "order..", SHOP + "payment..", SHOP + "inventory..", SHOP + "shipping..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            SHOP + "cli..", SHOP + "check..", "io.commslib.kafka..", "io.commslib.rabbit..")
        .check(classes);
  }
}
