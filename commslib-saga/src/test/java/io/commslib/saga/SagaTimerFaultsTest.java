package io.commslib.saga;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.Health;
import io.commslib.saga.TestSaga.State;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The timer wakes other sagas regardless of the faults of one saga's function. */
class SagaTimerFaultsTest extends SagaEngineFixture {

  /** Fault of a user's function. */
  enum Fault {
    LINKAGE_ERROR_ONCE,
    LINKAGE_ERROR,
    ASSERTION_ERROR,
    STACK_OVERFLOW,
    UNDECLARED_EXCEPTION,
    OUT_OF_MEMORY_ONCE,
    CARRIED_OUT_OF_MEMORY_ONCE,
    HANG,
    INTERRUPT_FLAG,
    NULL
  }

  private static HikariDataSource pool;
  private final AtomicInteger calls = new AtomicInteger();
  private final CountDownLatch release = new CountDownLatch(1);

  @BeforeAll
  static void open() {
    pool = new HikariDataSource();
    // In memory: H2 closes a database file when an interrupted thread writes to it.
    pool.setJdbcUrl("jdbc:h2:mem:saga-timer-faults;DB_CLOSE_DELAY=-1");
  }

  @AfterAll
  static void closePool() {
    pool.close();
  }

  @Override
  protected DataSource dataSource() {
    return pool;
  }

  private Object command(State state, Fault fault) {
    // The first call belongs to the start.
    if (!state.order().equals("bad") || calls.incrementAndGet() == 1) {
      return new TestSaga.Hold(state.order());
    }
    boolean isFirst = calls.get() == 2;
    switch (fault) {
      case LINKAGE_ERROR -> throw new NoClassDefFoundError("for the test");
      case ASSERTION_ERROR -> throw new AssertionError("for the test");
      case STACK_OVERFLOW -> throw new StackOverflowError();
      case UNDECLARED_EXCEPTION ->
          SagaTimerFaultsTest.<RuntimeException>undeclared(new IOException("for the test"));
      case INTERRUPT_FLAG -> Thread.currentThread().interrupt();
      case LINKAGE_ERROR_ONCE -> {
        if (isFirst) {
          throw new NoClassDefFoundError("for the test");
        }
      }
      case OUT_OF_MEMORY_ONCE -> {
        if (isFirst) {
          throw new OutOfMemoryError("for the test");
        }
      }
      case CARRIED_OUT_OF_MEMORY_ONCE -> {
        if (isFirst) {
          throw new CompletionException(new OutOfMemoryError("for the test"));
        }
      }
      case HANG -> awaitRelease();
      case NULL -> {
        return nothing();
      }
    }
    return new TestSaga.Hold(state.order());
  }

  /** Throws like code in Kotlin or Scala, which declares no exceptions. */
  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void undeclared(Throwable failure) throws T {
    throw (T) failure;
  }

  private void awaitRelease() {
    try {
      release.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @SuppressWarnings("NullAway")
  private static Object nothing() {
    return null;
  }

  @ParameterizedTest
  @EnumSource(Fault.class)
  void theTimerWakesOtherSagasDespiteAnyFaultOfACommandFunction(Fault fault) {
    definition =
        SagaDefinition.builder("order", 1, State.class)
            .key(State::order)
            .step("hold")
            .command(TestSaga.STOCK, state -> command(state, fault))
            .onReply(TestSaga.Held.class, (s, r) -> s)
            .timeout(Duration.ofMillis(100))
            .attempts(3)
            .build();
    engine = engine(definition);
    begin("bad");
    engine.start();
    await("the faulty function was called", () -> calls.get() >= 2);
    begin("good");
    await("the other saga used up its attempts", () -> status("good") == SagaStatus.PARKED);
    switch (fault) {
      case HANG -> {
        await(
            "health names the saga",
            () ->
                engine.health().status() == Health.Status.DEGRADED
                    && engine.health().reason().startsWith("stuck sagas: ["));
        assertThat(engine.drain(Duration.ofMillis(10))).isFalse();
        release.countDown();
        assertThat(engine.drain(Duration.ofSeconds(Long.MAX_VALUE))).isTrue();
        assertThat(engine.health().status()).isEqualTo(Health.Status.DOWN);
      }
      default -> {
        if (fault == Fault.OUT_OF_MEMORY_ONCE || fault == Fault.CARRIED_OUT_OF_MEMORY_ONCE) {
          await("the saga is retried after an error of the JVM", () -> calls.get() > 2);
        }
        await("parked", () -> status("bad") == SagaStatus.PARKED);
        await("health reports it", () -> engine.health().reason().contains("parked"));
        assertThat(engine.health().details()).containsKey("lastPassSeconds");
      }
    }
  }
}
