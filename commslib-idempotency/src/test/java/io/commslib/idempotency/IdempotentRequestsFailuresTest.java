package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.idempotency.LeasedWork;
import io.commslib.core.idempotency.RequestAttempt;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.RequestOutcome;
import io.commslib.core.idempotency.RequestOutcome.Kind;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.time.VirtualTime;
import io.commslib.idempotency.IdempotencyStoreContract.Place;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A result that can't be stored, for any reason, does not repeat the work. */
class IdempotentRequestsFailuresTest {

  private static final String SCOPE = "customer-7/charge";
  private static final String KEY = "key-1";
  private static final String CONTENT = IdempotentRequests.fingerprint(new byte[] {5});
  private static final Duration LEASE = Duration.ofSeconds(10);
  private static final StoredResult CHARGED =
      new StoredResult(201, "text/plain", new byte[] {1}, Map.of());

  private final VirtualTime time = VirtualTime.create();
  private final IdempotencyStore memory =
      InMemoryIdempotencyStore.create(time.time(), Duration.ofHours(24), 100);
  private final FailingStore store = new FailingStore(memory);
  private final IdempotentRequests requests =
      IdempotentRequests.builder(store).lease(LEASE).build();
  private final InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();

  private static StoreException failure(FailureKind kind) {
    return new StoreException("COMMS-TEST-001", kind, "a store", null);
  }

  private RequestOutcome ask(LeasedWork<RuntimeException> work) {
    return requests.withLease(SCOPE, KEY, CONTENT, work);
  }

  // --- the places

  @Test
  void everyPlaceThatStoresAResultIsTested() throws IOException {
    assertThat(
            Arrays.stream(IdempotencyStore.class.getMethods())
                .filter(
                    method ->
                        Arrays.asList(method.getParameterTypes()).contains(String.class)
                            || Arrays.asList(method.getParameterTypes())
                                .contains(StoredResult.class))
                .map(IdempotentRequestsFailuresTest::signature))
        .as("of a store: two of complete, and remember")
        .containsExactlyInAnyOrder(
            "complete(RequestKey, long, StoredResult)",
            "complete(TransactionContext, RequestKey, long, StoredResult)",
            "remember(RequestKey, long, String, String)");
    assertThat(
            Arrays.stream(IdempotentRequests.class.getMethods())
                .filter(method -> method.getReturnType() == RequestOutcome.class)
                .map(Method::getName))
        .as("of the requests")
        .containsExactlyInAnyOrder("withLease", "inTransaction");
    assertThat(Place.values()).as("two of each").hasSize(4);
    assertThat(stores())
        .as("stores; each has a subclass of IdempotencyStoreContract")
        .containsExactlyInAnyOrder("InMemoryIdempotencyStore", "JdbcIdempotencyStore");
  }

  private static String signature(Method method) {
    return Arrays.stream(method.getParameterTypes())
        .map(Class::getSimpleName)
        .collect(Collectors.joining(", ", method.getName() + "(", ")"));
  }

  private static Set<String> stores() throws IOException {
    try (Stream<Path> files = Files.walk(Path.of("target/classes"))) {
      return files
          .map(file -> Path.of("target/classes").relativize(file).toString())
          .filter(name -> name.endsWith(".class"))
          .map(name -> name.substring(0, name.length() - 6).replace('/', '.'))
          .map(IdempotentRequestsFailuresTest::load)
          .filter(IdempotencyStore.class::isAssignableFrom)
          .filter(type -> !Modifier.isAbstract(type.getModifiers()))
          .map(Class::getSimpleName)
          .collect(Collectors.toSet());
    }
  }

  private static Class<?> load(String name) {
    try {
      return Class.forName(name, false, IdempotentRequestsFailuresTest.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new AssertionError(e);
    }
  }

  // --- a store that fails when it should store the result

  /** Failures after which the second caller gets the answer, by name. */
  private static Map<String, FailingStore> passing(IdempotencyStore over) {
    Map<String, FailingStore> all = new LinkedHashMap<>();
    for (FailureKind kind : FailureKind.values()) {
      all.put(kind + " once", new FailingStore(over).completing(failure(kind)));
      all.put(kind + " once, but stored", new FailingStore(over).completed(failure(kind)));
    }
    all.put("no failure of ours", new FailingStore(over).completing(new IllegalStateException()));
    all.put("an error once", new FailingStore(over).completing(new NoClassDefFoundError()));
    all.put("an error, but stored", new FailingStore(over).completed(new StackOverflowError()));
    all.put(
        "refuses this result for good",
        new FailingStore(over)
            .refusing(
                result -> !UnstorableResults.isShort(result), failure(FailureKind.PERMANENT)));
    all.put(
        "throws at this result each time",
        new FailingStore(over)
            .refusing(
                result -> !UnstorableResults.isShort(result), new IllegalArgumentException()));
    return all;
  }

  @Test
  void withLeaseTheWorkRunsOnceWhateverFailsWhenItsResultIsStored() {
    passing(memory)
        .forEach(
            (name, failing) -> {
              RequestKey request = new RequestKey(SCOPE, name, CONTENT);
              AtomicInteger effects = new AtomicInteger();
              IdempotencyStoreContract.Work work =
                  IdempotencyStoreContract.counted(effects, CHARGED);
              assertThat(Place.REQUESTS_BY_LEASE.ask(failing, transactions, request, work))
                  .as("the first answer, store: " + name)
                  .isSameAs(CHARGED);
              StoredResult second =
                  Place.REQUESTS_BY_LEASE.ask(failing, transactions, request, work);
              assertThat(second.status()).as(name).isEqualTo(201);
              assertThat(effects).as("effects, store: " + name).hasValue(1);
            });
  }

  @Test
  void inATransactionAResultThatCannotBeStoredRollsBackAndIsThrown() {
    passing(memory)
        .forEach(
            (name, failing) -> {
              RequestKey request = new RequestKey(SCOPE, "tx " + name, CONTENT);
              AtomicInteger effects = new AtomicInteger();
              IdempotencyStoreContract.Work work =
                  IdempotencyStoreContract.counted(effects, CHARGED);
              assertThat(
                      catchThrowable(
                          () ->
                              Place.REQUESTS_IN_TRANSACTION.ask(
                                  failing, transactions, request, work)))
                  .as("told, store: " + name)
                  .isNotNull();
              assertThat(effects).as("rolled back, store: " + name).hasValue(0);
              Place.REQUESTS_IN_TRANSACTION.ask(memory, transactions, request, work);
              Place.REQUESTS_IN_TRANSACTION.ask(memory, transactions, request, work);
              assertThat(effects).as("effects, store: " + name).hasValue(1);
            });
  }

  @Test
  void anAnswerThatCannotBeStoredIsReturnedAndTheNextAttemptIsATakeover() {
    store.completing(failure(FailureKind.TRANSIENT), failure(FailureKind.TRANSIENT));
    String logged =
        logged(
            () ->
                assertThat(
                        ask(attempt -> {
                              attempt.remember("paid", "p-1");
                              return CHARGED;
                            })
                            .result())
                    .as("the work is done: the caller need not retry")
                    .isSameAs(CHARGED));
    assertThat(logged)
        .contains(
            "COMMS-IDEMPOTENCY-007: an answer to customer-7/charge is returned but not stored; its"
                + " key stays leased until the lease of PT10S expires, and the next attempt is a"
                + " takeover");
    assertThat(ask(attempt -> CHARGED).kind()).as("leased").isEqualTo(Kind.IN_PROGRESS);
    time.advance(LEASE);
    ask(
        attempt -> {
          assertThat(attempt.isTakeover()).isTrue();
          assertThat(attempt.steps()).containsExactly(Map.entry("paid", "p-1"));
          return CHARGED;
        });
    assertThat(ask(attempt -> CHARGED).result().status()).isEqualTo(201);
  }

  /** Returns the log output of some work. */
  private static String logged(Runnable work) {
    PrintStream before = System.err;
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    System.setErr(new PrintStream(written, true, StandardCharsets.UTF_8));
    try {
      work.run();
    } finally {
      System.setErr(before);
    }
    return written.toString(StandardCharsets.UTF_8);
  }

  @Test
  void anAnswerStoredInShortFormIsLoggedWithTheRuleItBreaks() {
    StoredResult large =
        new StoredResult(201, "text/plain", new byte[StoredResult.MAX_BODY_BYTES + 1], Map.of());
    assertThat(logged(() -> assertThat(ask(attempt -> large).result()).isSameAs(large)))
        .contains(
            "COMMS-IDEMPOTENCY-004: an answer to customer-7/charge is stored in short form:"
                + " {\"type\":\"about:blank\",\"title\":\"The answer was not"
                + " kept\",\"status\":201,\"detail\":\"The request was carried out once. Its answer"
                + " was not kept: body bytes: 1048577 (expected:"
                + " 0..1048576).\",\"code\":\"COMMS-IDEMPOTENCY-004\"}");
  }

  @Test
  void aRepeatedErrorIsThrownAndTheKeyStaysLeased() {
    store.completing(new NoClassDefFoundError("1"), new NoClassDefFoundError("2"));
    assertThatThrownBy(() -> ask(attempt -> CHARGED))
        .isInstanceOf(NoClassDefFoundError.class)
        .hasMessage("2")
        .hasSuppressedException(new NoClassDefFoundError("1"));
    assertThat(ask(attempt -> CHARGED).kind()).isEqualTo(Kind.IN_PROGRESS);
  }

  @Test
  void aPendingInterruptDoesNotPreventStoringTheResult() {
    ask(
        attempt -> {
          Thread.currentThread().interrupt();
          return CHARGED;
        });
    assertThat(Thread.interrupted()).as("still pending").isTrue();
    assertThat(ask(attempt -> new StoredResult(202, "", new byte[0], Map.of())).result().status())
        .isEqualTo(201);
  }

  @Test
  void aLateAnswerIsReturnedAlthoughTheStoreFails() {
    store.claimingAgain(failure(FailureKind.TRANSIENT));
    StoredResult late =
        ask(attempt -> {
              time.advance(LEASE.plusSeconds(1));
              IdempotentRequests.builder(memory)
                  .build()
                  .withLease(
                      SCOPE,
                      KEY,
                      CONTENT,
                      taker -> new StoredResult(202, "", new byte[0], Map.of()));
              return CHARGED;
            })
            .result();
    assertThat(late).isSameAs(CHARGED);
  }

  // --- work without a result, and predicates that fail

  @Test
  void workThatReturnsNullCountsAsDone() {
    AtomicInteger runs = new AtomicInteger();
    LeasedWork<RuntimeException> work =
        attempt -> {
          runs.incrementAndGet();
          return null;
        };
    assertThatThrownBy(() -> ask(work))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("result of the work");
    RequestOutcome second = ask(work);
    assertThat(second.kind()).isEqualTo(Kind.NOT_KEPT);
    assertThat(second.result().status()).isEqualTo(500);
    assertThat(UnstorableResults.isShort(second.result())).isTrue();
    assertThat(runs).hasValue(1);
  }

  @Test
  void aResultIsStoredWhenThePredicateOfStoreIfFails() {
    List<Throwable> failures =
        List.of(new IllegalStateException("no idea"), new AssertionError(), new LinkageError());
    for (Throwable failure : failures) {
      String key = failure.toString().replaceAll("[^a-z]", "");
      AtomicInteger runs = new AtomicInteger();
      IdempotentRequests broken =
          IdempotentRequests.builder(store)
              .storeIf(
                  result -> {
                    if (failure instanceof Error error) {
                      throw error;
                    }
                    throw (RuntimeException) failure;
                  })
              .build();
      LeasedWork<RuntimeException> work =
          attempt -> {
            runs.incrementAndGet();
            return CHARGED;
          };
      assertThat(catchThrowable(() -> broken.withLease(SCOPE, key, CONTENT, work)))
          .as("the caller gets the failure")
          .isSameAs(failure);
      assertThat(broken.withLease(SCOPE, key, CONTENT, work).result().status()).isEqualTo(201);
      assertThat(runs).as("runs, " + failure).hasValue(1);
      AtomicInteger effects = new AtomicInteger();
      assertThat(
              catchThrowable(
                  () ->
                      broken.inTransaction(
                          transactions,
                          SCOPE,
                          key + "-tx",
                          CONTENT,
                          tx -> IdempotencyStoreContract.counted(effects, CHARGED).run(tx))))
          .isSameAs(failure);
      assertThat(effects).as("rolled back").hasValue(0);
    }
  }

  // --- steps that can't be remembered

  @Test
  void aStepThatCannotBeRememberedIsNotTreatedAsUndone() {
    Map<String, FailingStore> stores = new LinkedHashMap<>();
    stores.put("too long", new FailingStore(memory));
    stores.put("half a pair", new FailingStore(memory));
    stores.put("too much", new FailingStore(memory));
    for (FailureKind kind : FailureKind.values()) {
      stores.put(
          kind + " twice", new FailingStore(memory).remembering(failure(kind), failure(kind)));
    }
    stores.put("error", new FailingStore(memory).remembering(new NoClassDefFoundError()));
    stores.forEach(
        (name, failing) -> {
          IdempotentRequests each = IdempotentRequests.builder(failing).lease(LEASE).build();
          assertThat(
                  catchThrowable(
                      () ->
                          each.withLease(
                              SCOPE,
                              name,
                              CONTENT,
                              attempt -> {
                                rememberAll(attempt, name);
                                return CHARGED;
                              })))
              .as(name)
              .isNotNull();
          assertThat(each.withLease(SCOPE, name, CONTENT, attempt -> CHARGED).kind())
              .as("not released: " + name)
              .isEqualTo(Kind.IN_PROGRESS);
          time.advance(LEASE);
          each.withLease(
              SCOPE,
              name,
              CONTENT,
              attempt -> {
                assertThat(attempt.isTakeover()).as("told: " + name).isTrue();
                return CHARGED;
              });
        });
  }

  private static void rememberAll(RequestAttempt attempt, String name) {
    switch (name) {
      case "too long" -> attempt.remember("paid", "x".repeat(2_049));
      case "half a pair" -> attempt.remember("paid", "\ud83d");
      case "too much" -> {
        for (int i = 0; i < 20; i++) {
          attempt.remember("paid " + i, "x".repeat(2_000));
        }
      }
      default -> attempt.remember("paid", "p-1");
    }
  }

  @Test
  void aStepIsRememberedAtTheSecondAttempt() {
    for (FailureKind kind : FailureKind.values()) {
      if (kind == FailureKind.PERMANENT) {
        continue;
      }
      store.remembering(failure(kind));
      assertThatThrownBy(
              () ->
                  requests.withLease(
                      SCOPE,
                      kind.name(),
                      CONTENT,
                      attempt -> {
                        attempt.remember("paid", "p-1");
                        throw new UnsupportedOperationException("later");
                      }))
          .hasMessage("later");
      requests.withLease(
          SCOPE,
          kind.name(),
          CONTENT,
          attempt -> {
            assertThat(attempt.isTakeover()).as("released immediately").isFalse();
            assertThat(attempt.steps()).containsExactly(Map.entry("paid", "p-1"));
            return CHARGED;
          });
    }
  }

  @Test
  void workThatSurvivesAnUnrememberedStepIsDone() {
    ask(
        attempt -> {
          assertThat(catchThrowable(() -> attempt.remember("paid", "\ud83d"))).isNotNull();
          return CHARGED;
        });
    assertThat(ask(attempt -> new StoredResult(202, "", new byte[0], Map.of())).result().status())
        .isEqualTo(201);
  }
}
