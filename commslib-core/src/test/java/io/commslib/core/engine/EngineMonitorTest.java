package io.commslib.core.engine;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The engine's state is a monitor; Error Prone checks the lock, and this class the rest. */
class EngineMonitorTest {

  private static final Set<String> PLACE =
      Set.of("older", "younger", "nextInLane", "previousReady", "nextReady", "activeIndex");

  private final JavaClasses engine =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.commslib.core.engine");

  @Test
  void theFieldsOfTheStateArePrivate() {
    fields().that().areDeclaredIn(EngineState.class).should().bePrivate().check(engine);
  }

  @Test
  void theStateChangesGuardedOrVolatileFieldsOnly() {
    fields()
        .that()
        .areDeclaredIn(EngineState.class)
        .and()
        .areNotFinal()
        .and(
            describe(
                "are not volatile",
                (JavaField field) -> !field.getModifiers().contains(JavaModifier.VOLATILE)))
        .should()
        .beAnnotatedWith(GuardedBy.class)
        .check(engine);
  }

  @Test
  void theLanesAloneChangeThePlaceOfARecord() {
    noClasses()
        .that()
        .doNotBelongToAnyOf(Lanes.class, LaneEntry.class)
        .should()
        .setFieldWhere(
            describe(
                "the field is part of a record's place",
                access ->
                    access.getTargetOwner().isEquivalentTo(LaneEntry.class)
                        && (PLACE.contains(access.getName()) || access.getName().equals("state"))))
        .check(engine);
  }

  @Test
  void theStateAloneUsesWhatItsLockGuards() {
    noClasses()
        .that()
        .doNotBelongToAnyOf(
            EngineState.class, UnsettledRecords.class, WorkerDispatch.class, RoutePauses.class)
        .should()
        .dependOnClassesThat(belongToAnyOf(UnsettledRecords.class, WorkerDispatch.class))
        .orShould()
        .dependOnClassesThat(belongToAnyOf(RoutePauses.class))
        .check(engine);
  }
}
