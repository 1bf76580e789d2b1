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
 * Everything of others that the saga engine calls, on each of the paths where it calls it, and
 * everything it may do: throw an Error once or always, not return, leave the interrupt flag set,
 * return null. Whatever it is, no saga is lost, others go on, health or trouble tells, and after
 * the cure the saga ends, or is parked with its reason and ends once an operator retries it. {@link
 * SagaUserCodeTableTest} demands a row for each parameter through which code of others comes in.
 */
@Timeout(150)
class SagaUserCodeTest {

  /** What the code of others does. */
  enum Fault {
    ERROR_ONCE,
    ERROR_UNTIL_CURED,
    UNDECLARED_EXCEPTION_ONCE,
    MEMORY_ERROR_ONCE,
    HANGS,
    INTERRUPTS,
    INTERRUPTS_AND_FAILS,
    NULL;

    boolean lasts() {
      return this != ERROR_ONCE && this != UNDECLARED_EXCEPTION_ONCE && this != MEMORY_ERROR_ONCE;
    }
  }

  /** Where, and the parameter through which that code comes in. */
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

  /** On whose thread: that of the replies' subscription, the timer's, or the caller's. */
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
    LOOK,
    HOLD,
    PAY
  }

  /**
   * A row.
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

    /** Whether what all sagas need is what fails: then others go on after the cure. */
    boolean failsAllSagas() {
      return place == Place.DATA_SOURCE;
    }

    /** Whether the saga is woken again, rather than parked at the first failure. */
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
          FaultCase.timer(Place.KEY, UnansweredStep.LOOK),
          FaultCase.timer(Place.COMMAND, UnansweredStep.LOOK),
          FaultCase.timer(Place.COMPENSATE, UnansweredStep.HOLD),
          FaultCase.timer(Place.ON_COMPENSATED, UnansweredStep.LOOK),
          FaultCase.timer(Place.STATE_ENCODE, UnansweredStep.LOOK),
          FaultCase.timer(Place.STATE_DECODE, UnansweredStep.LOOK),
          FaultCase.timer(Place.EVENT_ENCODE, UnansweredStep.LOOK),
          FaultCase.timer(Place.DATA_SOURCE, UnansweredStep.LOOK),
          FaultCase.timer(Place.OUTBOX, UnansweredStep.LOOK),
          new FaultCase(Place.OBSERVER, Path.OBSERVER, UnansweredStep.PAY, false));

  private static final List<String> ANSWERED = List.of("a-1", "a-2", "a-3");
  private static final List<String> SILENT =
      List.of(UserCodeFixture.UNANSWERED + "-1", UserCodeFixture.UNANSWERED + "-2");

  private static List<FaultCase> cases(Fault fault) {
    return CASES.stream()
        .filter(cell -> fault != Fault.NULL || cell.place().hasReturn())
        // A pool that hangs hangs all, until its own timeout.
        .filter(cell -> fault != Fault.HANGS || cell.place() != Place.DATA_SOURCE)
        .toList();
  }

  @ParameterizedTest
  @EnumSource(Fault.class)
  void nothingIsLostOthersGoOnAndHealthTells(Fault fault) {
    Map<FaultCase, CompletableFuture<Void>> runs = new LinkedHashMap<>();
    ExecutorService threads = Executors.newFixedThreadPool(CASES.size());
    try {
      for (FaultCase cell : cases(fault)) {
        runs.put(cell, CompletableFuture.runAsync(() -> run(cell, fault), threads));
      }
      SoftAssertions all = new SoftAssertions();
      runs.forEach((cell, run) -> all.check(() -> join(cell, run)));
      all.assertAll();
    } finally {
      threads.shutdownNow();
    }
  }

  private static void join(FaultCase cell, CompletableFuture<Void> run) {
    try {
      run.join();
    } catch (CompletionException e) {
      throw new AssertionError(cell + ": " + e.getCause(), e.getCause());
    }
  }

  private static void run(FaultCase cell, Fault fault) {
    try (UserCodeFixture world = new UserCodeFixture(cell, fault)) {
      String badId = world.begin(UserCodeFixture.BAD);
      world.engine.start();
      world.await("hit", () -> world.hits.get() > 0);
      others(cell).forEach(world::begin);
      if (!fault.lasts() || !cell.failsAllSagas()) {
        world.await(
            "others go on", () -> others(cell).stream().allMatch(each -> isDone(world, each)));
      }
      if (fault.lasts() && fault != Fault.INTERRUPTS) {
        world.await("it is told", () -> isReported(world, cell, fault));
      }
      if (fault == Fault.UNDECLARED_EXCEPTION_ONCE && cell.path() == Path.REPLY) {
        world.await(
            "the failure itself is told",
            () -> isFailureReported(world, "java.io.IOException: planted"));
      }
      if (fault == Fault.ERROR_UNTIL_CURED && cell.isRepeated()) {
        world.await("it is tried again", () -> world.hits.get() > 2);
      }
      world.cure();
      world.await("others end", () -> others(cell).stream().allMatch(each -> isDone(world, each)));
      world.await("the bad one rests", () -> world.status(UserCodeFixture.BAD).isAtRest());
      if (world.status(UserCodeFixture.BAD) == SagaStatus.PARKED) {
        assertParkedVisibly(world, badId, fault);
        if (cell.unanswered() == UnansweredStep.PAY) {
          assertThat(world.engine.resolve(badId, "ann", "paid by hand")).isTrue();
        } else {
          assertThat(world.engine.retry(badId, "ann", "cured")).isTrue();
        }
      }
      world.await("the bad one ends", () -> isEnded(world, UserCodeFixture.BAD));
      world.await("its hook ran", () -> world.ended.contains(UserCodeFixture.BAD));
      assertThat(world.ended).containsOnlyOnce(UserCodeFixture.BAD);
      if (cell.unanswered() != UnansweredStep.PAY) {
        world.await("well again", () -> world.engine.health().status() == Health.Status.UP);
      }
      world.await("replies well", () -> world.replies.health().status() == Health.Status.UP);
    }
  }

  private static List<String> others(FaultCase cell) {
    List<String> all = new ArrayList<>(ANSWERED);
    if (cell.unanswered() != UnansweredStep.NONE) {
      all.addAll(SILENT);
    }
    return all;
  }

  private static boolean isDone(UserCodeFixture world, String order) {
    SagaStatus status = world.status(order);
    return order.startsWith(UserCodeFixture.UNANSWERED) ? status.isAtRest() : isEnded(world, order);
  }

  private static boolean isEnded(UserCodeFixture world, String order) {
    SagaStatus status = world.status(order);
    return status == SagaStatus.COMPLETED || status == SagaStatus.COMPENSATED;
  }

  private static boolean isFailureReported(UserCodeFixture world, String failure) {
    return world.troubles.stream()
        .anyMatch(each -> (each.text() + each.cause().orElse("")).contains(failure));
  }

  private static boolean isReported(UserCodeFixture world, FaultCase cell, Fault fault) {
    boolean engineTells = world.engine.health().status() != Health.Status.UP;
    boolean repliesTell = world.replies.health().status() != Health.Status.UP;
    if (cell.path() == Path.OBSERVER) {
      // A failure of the observer is only logged; one that hangs is named.
      return fault != Fault.HANGS
          || world.engine.health().reason().startsWith("an observer or the log");
    }
    if (cell.path() == Path.TIMER) {
      return engineTells;
    }
    return fault == Fault.HANGS ? repliesTell : repliesTell || !world.troubles.isEmpty();
  }

  private static void assertParkedVisibly(UserCodeFixture world, String id, Fault fault) {
    List<SagaLogEntry> history = world.engine.timeline(id);
    SagaLogEntry last = history.get(history.size() - 1);
    assertThat(last.kind()).isEqualTo(SagaLogEntry.Kind.PARKED);
    assertThat(last.detail()).isNotEmpty();
    if (fault != Fault.HANGS) {
      world.await("told", () -> world.troubles.stream().anyMatch(each -> isParked(each, id)));
    }
  }

  private static boolean isParked(Trouble trouble, String id) {
    return trouble.kind() == Trouble.Kind.PARKED
        && trouble.message().orElse("").equals(id)
        && trouble.code().orElse("").equals("COMMS-SAGA-005")
        && !trouble.text().isEmpty();
  }

  /** What the thread that starts a saga runs. */
  static final List<Place> STARTING =
      List.of(Place.KEY, Place.COMMAND, Place.STATE_ENCODE, Place.EVENT_ENCODE, Place.OUTBOX);

  static Stream<Fault> caller() {
    return Stream.of(Fault.values())
        .filter(fault -> fault != Fault.HANGS && fault != Fault.INTERRUPTS);
  }

  @ParameterizedTest
  @org.junit.jupiter.params.provider.MethodSource("caller")
  void aStartThatFailsTellsItsCallerAndLeavesNothing(Fault fault) {
    for (Place place : STARTING) {
      if (fault == Fault.NULL && !place.hasReturn()) {
        continue;
      }
      FaultCase cell = new FaultCase(place, Path.CALLER, UnansweredStep.NONE, false);
      try (UserCodeFixture world = new UserCodeFixture(cell, fault)) {
        assertThatThrownBy(() -> world.begin(UserCodeFixture.BAD)).as(place.name()).isNotNull();
        Thread.interrupted();
        assertThat(world.engine.find("order", UserCodeFixture.BAD)).isEmpty();
        world.begin("a-1");
        world.cure();
        world.begin(UserCodeFixture.BAD);
        world.await("both end", () -> isEnded(world, "a-1") && isEnded(world, UserCodeFixture.BAD));
      }
    }
  }

  @ParameterizedTest
  @org.junit.jupiter.params.provider.MethodSource("caller")
  void anOperatorIsToldAndTheSagaStaysParked(Fault fault) {
    for (Place place : List.of(Place.COMMAND, Place.STATE_DECODE, Place.OUTBOX)) {
      if (fault == Fault.NULL && !place.hasReturn()) {
        continue;
      }
      FaultCase cell = new FaultCase(place, Path.CALLER, UnansweredStep.PAY, false);
      operate(cell, fault);
    }
    if (fault != Fault.NULL) {
      operate(new FaultCase(Place.ON_COMPLETED, Path.CALLER, UnansweredStep.PAY, false), fault);
    }
  }

  private static void operate(FaultCase cell, Fault fault) {
    try (UserCodeFixture world = new UserCodeFixture(cell, fault)) {
      world.pause();
      String id = world.begin(UserCodeFixture.BAD);
      world.engine.start();
      world.await("parked", () -> world.status(UserCodeFixture.BAD) == SagaStatus.PARKED);
      world.resume();
      assertThatThrownBy(
              () -> {
                if (cell.place() == Place.ON_COMPLETED) {
                  world.engine.resolve(id, "ann", "");
                } else {
                  world.engine.retry(id, "ann", "");
                }
              })
          .as(cell.toString())
          .isInstanceOf(
              fault == Fault.MEMORY_ERROR_ONCE ? OutOfMemoryError.class : SagaException.class);
      Thread.interrupted();
      assertThat(world.status(UserCodeFixture.BAD)).isEqualTo(SagaStatus.PARKED);
      world.cure();
      assertThat(world.engine.resolve(id, "ann", "paid by hand")).isTrue();
      assertThat(world.status(UserCodeFixture.BAD)).isEqualTo(SagaStatus.COMPLETED);
    }
  }
}
