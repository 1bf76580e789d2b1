package io.commslib.saga;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.Health;
import io.commslib.core.codec.Codec;
import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.outbox.Outbox;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * All user code that the saga engine calls, on each thread on which it calls it, with each fault:
 * an Error once or always, a hang, a set interrupt flag, null. In every case no saga is lost, other
 * sagas continue, and health or a trouble reports the fault. Once the fault is removed, the saga
 * ends, or is parked with its reason and ends after an operator retries it. {@link
 * SagaUserCodeTableTest} requires a case for each parameter through which user code can enter.
 */
@Timeout(150)
class SagaUserCodeTest {

  /** Fault of the user code. */
  enum Fault {
    ERROR_ONCE,
    ERROR_UNTIL_CURED,
    UNDECLARED_EXCEPTION_ONCE,
    MEMORY_ERROR_ONCE,
    HANGS,
    INTERRUPTS,
    INTERRUPTS_AND_FAILS,
    NULL;

    boolean isPermanent() {
      return this != ERROR_ONCE && this != UNDECLARED_EXCEPTION_ONCE && this != MEMORY_ERROR_ONCE;
    }
  }

  /** A piece of user code and the parameter through which it enters. */
  enum Place {
    KEY("SagaDefinition.Builder.key", Function.class),
    COMMAND("StepBuilder.command", Function.class),
    ON_REPLY("StepBuilder.onReply", BiFunction.class),
    REFUSED_BY("StepBuilder.refusedBy", BiFunction.class),
    COMPENSATE("StepBuilder.compensate", Function.class),
    COMPENSATED_BY("StepBuilder.compensatedBy", BiFunction.class),
    ON_COMPLETED("SagaDefinition.Builder.onCompleted", SagaHook.class),
    ON_COMPENSATED("SagaDefinition.Builder.onCompensated", SagaHook.class),
    STATE_ENCODE("SagaEngine.builder", Codec.class),
    STATE_DECODE("SagaEngine.builder", Codec.class),
    EVENT_ENCODE("SagaEngine.builder", TypeRegistry.class),
    EVENT_DECODE("SagaEngine.builder", TypeRegistry.class),
    DATA_SOURCE("SagaEngine.builder", JdbcDatabase.class),
    OUTBOX("SagaEngine.Builder.outbox", Outbox.class),
    OBSERVER("SagaEngine.Builder.observer", CommsObserver.class);

    final String method;
    final Class<?> type;

    Place(String method, Class<?> type) {
      this.method = method;
      this.type = type;
    }

    boolean hasReturn() {
      return this != ON_COMPLETED && this != ON_COMPENSATED && this != OUTBOX && this != OBSERVER;
    }
  }

  /** The thread: of the replies' subscription, the timer, the observer or the caller. */
  enum Path {
    REPLY,
    TIMER,
    OBSERVER,
    CALLER;

    static Path current() {
      String thread = Thread.currentThread().getName();
      return thread.contains("-observer")
          ? OBSERVER
          : thread.contains("saga-timer")
              ? TIMER
              : thread.contains("commslib-memory-") ? REPLY : CALLER;
    }
  }

  /** The step that no participant answers. */
  enum UnansweredStep {
    NONE,
    CHECK,
    HOLD,
    PAY
  }

  /**
   * One case.
   *
   * @param refuses whether the last step is refused, so that the saga is compensated
   */
  record FaultCase(Place place, Path path, UnansweredStep unanswered, boolean refuses) {

    static FaultCase reply(Place place) {
      return new FaultCase(place, Path.REPLY, UnansweredStep.NONE, false);
    }

    static FaultCase refused(Place place) {
      return new FaultCase(place, Path.REPLY, UnansweredStep.NONE, true);
    }

    static FaultCase timer(Place place, UnansweredStep silent) {
      return new FaultCase(place, Path.TIMER, silent, false);
    }

    /** Whether the fault affects all sagas, so that others continue only once it is removed. */
    boolean failsAllSagas() {
      return place == Place.DATA_SOURCE;
    }

    /** Whether the saga is woken again rather than parked at the first failure. */
    boolean isRepeated() {
      return path == Path.REPLY
          || place == Place.ON_COMPENSATED
          || place == Place.OUTBOX
          || place == Place.DATA_SOURCE;
    }
  }

  static final List<FaultCase> CASES =
      List.of(
          FaultCase.reply(Place.KEY),
          FaultCase.reply(Place.COMMAND),
          FaultCase.reply(Place.ON_REPLY),
          FaultCase.refused(Place.REFUSED_BY),
          FaultCase.refused(Place.COMPENSATE),
          FaultCase.refused(Place.COMPENSATED_BY),
          FaultCase.reply(Place.ON_COMPLETED),
          FaultCase.refused(Place.ON_COMPENSATED),
          FaultCase.reply(Place.STATE_ENCODE),
          FaultCase.reply(Place.STATE_DECODE),
          FaultCase.reply(Place.EVENT_ENCODE),
          FaultCase.reply(Place.EVENT_DECODE),
          FaultCase.reply(Place.OUTBOX),
          FaultCase.timer(Place.KEY, UnansweredStep.CHECK),
          FaultCase.timer(Place.COMMAND, UnansweredStep.CHECK),
          FaultCase.timer(Place.COMPENSATE, UnansweredStep.HOLD),
          FaultCase.timer(Place.ON_COMPENSATED, UnansweredStep.CHECK),
          FaultCase.timer(Place.STATE_ENCODE, UnansweredStep.CHECK),
          FaultCase.timer(Place.STATE_DECODE, UnansweredStep.CHECK),
          FaultCase.timer(Place.EVENT_ENCODE, UnansweredStep.CHECK),
          FaultCase.timer(Place.DATA_SOURCE, UnansweredStep.CHECK),
          FaultCase.timer(Place.OUTBOX, UnansweredStep.CHECK),
          new FaultCase(Place.OBSERVER, Path.OBSERVER, UnansweredStep.PAY, false));

  private static final List<String> ANSWERED = List.of("a-1", "a-2", "a-3");
  private static final List<String> SILENT =
      List.of(UserCodeFixture.UNANSWERED + "-1", UserCodeFixture.UNANSWERED + "-2");

  private static List<FaultCase> cases(Fault fault) {
    return CASES.stream()
        .filter(faultCase -> fault != Fault.NULL || faultCase.place().hasReturn())
        // A pool that hangs blocks everything until its own timeout.
        .filter(faultCase -> fault != Fault.HANGS || faultCase.place() != Place.DATA_SOURCE)
        .toList();
  }

  @ParameterizedTest
  @EnumSource(Fault.class)
  void noSagaIsLostOthersContinueAndTheFaultIsReported(Fault fault) {
    Map<FaultCase, CompletableFuture<Void>> runs = new LinkedHashMap<>();
    ExecutorService threads = Executors.newFixedThreadPool(CASES.size());
    try {
      for (FaultCase faultCase : cases(fault)) {
        runs.put(faultCase, CompletableFuture.runAsync(() -> run(faultCase, fault), threads));
      }
      SoftAssertions all = new SoftAssertions();
      runs.forEach((faultCase, run) -> all.check(() -> join(faultCase, run)));
      all.assertAll();
    } finally {
      threads.shutdownNow();
    }
  }

  private static void join(FaultCase faultCase, CompletableFuture<Void> run) {
    try {
      run.join();
    } catch (CompletionException e) {
      throw new AssertionError(faultCase + ": " + e.getCause(), e.getCause());
    }
  }

  private static void run(FaultCase faultCase, Fault fault) {
    try (UserCodeFixture fixture = new UserCodeFixture(faultCase, fault)) {
      String badId = fixture.begin(UserCodeFixture.BAD);
      fixture.engine.start();
      fixture.await("hit", () -> fixture.hits.get() > 0);
      others(faultCase).forEach(fixture::begin);
      if (!fault.isPermanent() || !faultCase.failsAllSagas()) {
        fixture.await(
            "others continue",
            () -> others(faultCase).stream().allMatch(each -> isDone(fixture, each)));
      }
      if (fault.isPermanent() && fault != Fault.INTERRUPTS) {
        fixture.await("the fault is reported", () -> isReported(fixture, faultCase, fault));
      }
      if (fault == Fault.UNDECLARED_EXCEPTION_ONCE && faultCase.path() == Path.REPLY) {
        fixture.await(
            "the failure itself is reported",
            () -> isFailureReported(fixture, "java.io.IOException: planted"));
      }
      if (fault == Fault.ERROR_UNTIL_CURED && faultCase.isRepeated()) {
        fixture.await("the saga is tried again", () -> fixture.hits.get() > 2);
      }
      fixture.cure();
      fixture.await(
          "others end", () -> others(faultCase).stream().allMatch(each -> isDone(fixture, each)));
      fixture.await("the faulty saga rests", () -> fixture.status(UserCodeFixture.BAD).isAtRest());
      if (fixture.status(UserCodeFixture.BAD) == SagaStatus.PARKED) {
        assertParkedVisibly(fixture, badId, fault);
        if (faultCase.unanswered() == UnansweredStep.PAY) {
          assertThat(fixture.engine.resolve(badId, "ann", "paid by hand")).isTrue();
        } else {
          assertThat(fixture.engine.retry(badId, "ann", "cured")).isTrue();
        }
      }
      fixture.await("the faulty saga ends", () -> isEnded(fixture, UserCodeFixture.BAD));
      fixture.await("its hook ran", () -> fixture.ended.contains(UserCodeFixture.BAD));
      assertThat(fixture.ended).containsOnlyOnce(UserCodeFixture.BAD);
      if (faultCase.unanswered() != UnansweredStep.PAY) {
        fixture.await(
            "health is up again", () -> fixture.engine.health().status() == Health.Status.UP);
      }
      fixture.await(
          "health of replies is up", () -> fixture.replies.health().status() == Health.Status.UP);
    }
  }

  private static List<String> others(FaultCase faultCase) {
    List<String> all = new ArrayList<>(ANSWERED);
    if (faultCase.unanswered() != UnansweredStep.NONE) {
      all.addAll(SILENT);
    }
    return all;
  }

  private static boolean isDone(UserCodeFixture fixture, String order) {
    SagaStatus status = fixture.status(order);
    return order.startsWith(UserCodeFixture.UNANSWERED)
        ? status.isAtRest()
        : isEnded(fixture, order);
  }

  private static boolean isEnded(UserCodeFixture fixture, String order) {
    SagaStatus status = fixture.status(order);
    return status == SagaStatus.COMPLETED || status == SagaStatus.COMPENSATED;
  }

  private static boolean isFailureReported(UserCodeFixture fixture, String failure) {
    return fixture.troubles.stream()
        .anyMatch(each -> (each.text() + each.cause().orElse("")).contains(failure));
  }

  private static boolean isReported(UserCodeFixture fixture, FaultCase faultCase, Fault fault) {
    boolean engineReports = fixture.engine.health().status() != Health.Status.UP;
    boolean repliesReport = fixture.replies.health().status() != Health.Status.UP;
    if (faultCase.path() == Path.OBSERVER) {
      // A failure of the observer is only logged; a hanging observer is named.
      return fault != Fault.HANGS
          || fixture.engine.health().reason().startsWith("an observer or the log");
    }
    if (faultCase.path() == Path.TIMER) {
      return engineReports;
    }
    return fault == Fault.HANGS ? repliesReport : repliesReport || !fixture.troubles.isEmpty();
  }

  private static void assertParkedVisibly(UserCodeFixture fixture, String id, Fault fault) {
    List<SagaLogEntry> history = fixture.engine.timeline(id);
    SagaLogEntry last = history.get(history.size() - 1);
    assertThat(last.kind()).isEqualTo(SagaLogEntry.Kind.PARKED);
    assertThat(last.detail()).isNotEmpty();
    if (fault != Fault.HANGS) {
      fixture.await(
          "reported", () -> fixture.troubles.stream().anyMatch(each -> isParked(each, id)));
    }
  }

  private static boolean isParked(Trouble trouble, String id) {
    return trouble.kind() == Trouble.Kind.PARKED
        && trouble.message().orElse("").equals(id)
        && trouble.code().orElse("").equals("COMMS-SAGA-005")
        && !trouble.text().isEmpty();
  }

  /** User code that runs on the thread that starts a saga. */
  static final List<Place> STARTING =
      List.of(Place.KEY, Place.COMMAND, Place.STATE_ENCODE, Place.EVENT_ENCODE, Place.OUTBOX);

  static Stream<Fault> caller() {
    return Stream.of(Fault.values())
        .filter(fault -> fault != Fault.HANGS && fault != Fault.INTERRUPTS);
  }

  @ParameterizedTest
  @org.junit.jupiter.params.provider.MethodSource("caller")
  void aFailedStartThrowsAndLeavesNothing(Fault fault) {
    for (Place place : STARTING) {
      if (fault == Fault.NULL && !place.hasReturn()) {
        continue;
      }
      FaultCase faultCase = new FaultCase(place, Path.CALLER, UnansweredStep.NONE, false);
      try (UserCodeFixture fixture = new UserCodeFixture(faultCase, fault)) {
        assertThatThrownBy(() -> fixture.begin(UserCodeFixture.BAD)).as(place.name()).isNotNull();
        Thread.interrupted();
        assertThat(fixture.engine.find("order", UserCodeFixture.BAD)).isEmpty();
        fixture.begin("a-1");
        fixture.cure();
        fixture.begin(UserCodeFixture.BAD);
        fixture.await(
            "both end", () -> isEnded(fixture, "a-1") && isEnded(fixture, UserCodeFixture.BAD));
      }
    }
  }

  @ParameterizedTest
  @org.junit.jupiter.params.provider.MethodSource("caller")
  void aFailedRetryThrowsAndTheSagaStaysParked(Fault fault) {
    for (Place place : List.of(Place.COMMAND, Place.STATE_DECODE, Place.OUTBOX)) {
      if (fault == Fault.NULL && !place.hasReturn()) {
        continue;
      }
      FaultCase faultCase = new FaultCase(place, Path.CALLER, UnansweredStep.PAY, false);
      operate(faultCase, fault);
    }
    if (fault != Fault.NULL) {
      operate(new FaultCase(Place.ON_COMPLETED, Path.CALLER, UnansweredStep.PAY, false), fault);
    }
  }

  private static void operate(FaultCase faultCase, Fault fault) {
    try (UserCodeFixture fixture = new UserCodeFixture(faultCase, fault)) {
      fixture.pause();
      String id = fixture.begin(UserCodeFixture.BAD);
      fixture.engine.start();
      fixture.await("parked", () -> fixture.status(UserCodeFixture.BAD) == SagaStatus.PARKED);
      fixture.resume();
      assertThatThrownBy(
              () -> {
                if (faultCase.place() == Place.ON_COMPLETED) {
                  fixture.engine.resolve(id, "ann", "");
                } else {
                  fixture.engine.retry(id, "ann", "");
                }
              })
          .as(faultCase.toString())
          .isInstanceOf(
              fault == Fault.MEMORY_ERROR_ONCE ? OutOfMemoryError.class : SagaException.class);
      Thread.interrupted();
      assertThat(fixture.status(UserCodeFixture.BAD)).isEqualTo(SagaStatus.PARKED);
      fixture.cure();
      assertThat(fixture.engine.resolve(id, "ann", "paid by hand")).isTrue();
      assertThat(fixture.status(UserCodeFixture.BAD)).isEqualTo(SagaStatus.COMPLETED);
    }
  }
}
