package io.commslib.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Each interface that users can implement has a row that plants its failures. */
class UserCodeTableTest {

  /** Interfaces that another test covers, with its name. */
  private static final Map<String, String> ELSEWHERE =
      Map.ofEntries(
          Map.entry("AttemptStage", "AsyncCallTest in commslib-resilience"),
          Map.entry("AttemptWork", "RetryTest in commslib-resilience"),
          Map.entry("CallTransport", "TransportFailureTest in commslib-resilience"),
          Map.entry("CallWork", "CallContextTest"),
          Map.entry("OutcomeClassifier", "RetryTest in commslib-resilience"),
          Map.entry("LifecycleComponent", "LifecycleTest"),
          Map.entry("MessageTransport", "LifecycleTest, and the relay's in commslib-outbox"),
          Map.entry("Publisher", "the relay's in commslib-outbox"),
          Map.entry("Subscriber", "LifecycleTest"),
          Map.entry("Subscription", "LifecycleTest"),
          Map.entry("DeadLetters", "RedriveTest"),
          Map.entry("DeadLetterListing", "RedriveTest"),
          Map.entry("RedriveAudit", "RedriveTest"),
          Map.entry("TransactionContext", "the bindings' hooks in commslib-jdbc and -spring"),
          Map.entry("TransactionWork", "the bindings' in commslib-jdbc and -spring"),
          Map.entry("IdempotencyStore", "IdempotentRequestsTest in commslib-idempotency"),
          Map.entry("LeasedWork", "IdempotentRequestsTest in commslib-idempotency"),
          Map.entry("TransactionalWork", "IdempotentRequestsTest in commslib-idempotency"),
          Map.entry("JvmFailureListener", "the transports' contract"));

  /** Interfaces that only the library implements. */
  private static final Set<String> OURS =
      Set.of(
          "Bulkhead",
          "CircuitBreaker",
          "ConcurrencyLimiter",
          "Delivery",
          "InMemoryTransaction",
          "MessageAttributes",
          "Permit",
          "RateLimiter",
          "RawDelivery",
          "RecordOrigin",
          "RetryBudget",
          "ScheduledTask");

  /** Interfaces of the runtime: the engine need not survive a runtime that fails or hangs. */
  private static final Set<String> RUNTIME =
      Set.of("CommsRuntime", "TaskScheduler", "TimeSource", "Workers");

  @Test
  void everyInterfaceForUsersHasARow() {
    Set<String> found =
        new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("io.commslib.core")
                .stream()
                .filter(JavaClass::isInterface)
                .filter(type -> !type.isAnnotation())
                .filter(type -> type.getModifiers().contains(JavaModifier.PUBLIC))
                .map(JavaClass::getSimpleName)
                .collect(Collectors.toCollection(TreeSet::new));
    Set<String> rows =
        Arrays.stream(UserCodeTest.Place.values())
            .map(place -> place.type.getSimpleName())
            .collect(Collectors.toCollection(TreeSet::new));
    rows.remove("Throwable");
    rows.addAll(ELSEWHERE.keySet());
    rows.addAll(OURS);
    rows.addAll(RUNTIME);
    assertThat(found).isEqualTo(rows);
  }
}
