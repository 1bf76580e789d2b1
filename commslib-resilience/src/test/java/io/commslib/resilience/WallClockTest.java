package io.commslib.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Deadline;
import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CircuitBreakerConfig;
import io.commslib.core.resilience.RateLimiterConfig;
import io.commslib.core.resilience.RetryBudgetConfig;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.time.TimeSource;
import io.commslib.core.time.VirtualTime;
import io.commslib.testkit.ForwardingRuntime;
import io.commslib.testkit.call.ArrivedAttempt;
import io.commslib.testkit.call.RemoteStep;
import io.commslib.testkit.call.RemoteStep.Kind;
import io.commslib.testkit.call.ScriptedAnswer;
import io.commslib.testkit.call.ScriptedCallTransport;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same calls, with and without jumps of the wall clock between and within attempts. */
class WallClockTest {

  private static final Duration OPEN_TIME = Duration.ofSeconds(3);

  /** Virtual time whose wall clock jumps by a further time whenever a test wants it. */
  private static final class JumpingRuntime extends ForwardingRuntime {
    private final VirtualTime time;
    private final Duration jump;
    private Duration offset = Duration.ZERO;

    JumpingRuntime(VirtualTime time, Duration jump) {
      super(time);
      this.time = time;
      this.jump = jump;
    }

    void jump() {
      offset = offset.plus(jump);
    }

    @Override
    public TimeSource time() {
      return new TimeSource() {
        @Override
        public Instant now() {
          return time.time().now().plus(offset);
        }

        @Override
        public long nanoTime() {
          return time.time().nanoTime();
        }
      };
    }

    @Override
    public void pause(Duration wait) throws InterruptedException {
      // Within each attempt and between attempts.
      jump();
      time.pause(wait);
    }
  }

  /** What happened, and at which time of the monotonic clock. */
  private static final class Scenario {
    private final VirtualTime time = VirtualTime.create();
    private final JumpingRuntime runtime;
    private final ScriptedCallTransport remote;
    private final Guard guard;
    private final List<String> log = new ArrayList<>();

    Scenario(Duration jump) {
      runtime = new JumpingRuntime(time, jump);
      remote = ScriptedCallTransport.create(runtime, 1_024);
      guard = Resilience.create(runtime).guard("remote");
    }

    private void call(Idempotency idempotency) {
      runtime.jump();
      String end;
      try {
        ScriptedAnswer answer = guard.operation("op", idempotency).call(remote, "request");
        end = answer.step().status().toString();
      } catch (CallException e) {
        end = e.getMessage();
      } catch (IOException e) {
        end = e.toString();
      }
      List<ArrivedAttempt> arrived = remote.arrived();
      log.add(
          time.time().nanoTime()
              + " "
              + end
              + ", "
              + guard.breakerState()
              + ", "
              + arrived.size()
              + " arrived, the last one with "
              + arrived.get(arrived.size() - 1).remaining());
    }

    private static CallPolicy.Builder policy() {
      return CallPolicy.builder()
          .deadline(Duration.ofSeconds(2))
          .attemptTimeout(Duration.ofMillis(300))
          .budget(new RetryBudgetConfig(100, 100, Duration.ofSeconds(1)));
    }

    List<String> run() {
      guard.replacePolicy(policy().build());
      timeouts();
      budget();
      breaker();
      rateLimiter();
      return log;
    }

    private void timeouts() {
      remote.always(RemoteStep.of(Kind.SILENCE));
      call(Idempotency.NON_IDEMPOTENT);
      call(Idempotency.SAFE);
      CallContext.current()
          .withDeadline(Deadline.after(Duration.ofMillis(100), runtime.time()))
          .<Boolean, RuntimeException>call(
              () -> {
                call(Idempotency.SAFE);
                return true;
              });
      remote.script(RemoteStep.failure(CallStatus.UNAVAILABLE).retryAfter(Duration.ofMillis(700)));
      call(Idempotency.SAFE);
    }

    private void budget() {
      guard.replacePolicy(
          policy().budget(new RetryBudgetConfig(0, 1, Duration.ofSeconds(2))).build());
      remote.always(RemoteStep.failure(CallStatus.UNAVAILABLE));
      for (int i = 0; i < 4; i++) {
        call(Idempotency.SAFE);
        time.advance(Duration.ofMillis(500));
      }
    }

    private void breaker() {
      guard.replacePolicy(
          policy()
              .breaker(CircuitBreakerConfig.builder().minAttempts(5).openTime(OPEN_TIME).build())
              .build());
      for (int i = 0; i < 6; i++) {
        call(Idempotency.NON_IDEMPOTENT);
      }
      remote.always(RemoteStep.echo());
      for (int i = 0; i < 5; i++) {
        call(Idempotency.SAFE);
        time.advance(OPEN_TIME.dividedBy(2));
      }
    }

    private void rateLimiter() {
      guard.replacePolicy(
          policy()
              .retry(RetryPolicy.none())
              .rateLimiter(new RateLimiterConfig(2, 1, Duration.ofMillis(200)))
              .build());
      for (int i = 0; i < 6; i++) {
        call(Idempotency.SAFE);
        time.advance(Duration.ofMillis(100));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, -1})
  void aWallClockJumpChangesNothing(long days) {
    List<String> steady = new Scenario(Duration.ZERO).run();
    assertThat(steady).anyMatch(line -> line.contains("overran its time"));
    assertThat(steady).anyMatch(line -> line.contains("COMMS-CALL-003"));
    assertThat(steady).anyMatch(line -> line.contains("COMMS-CALL-004"));
    assertThat(steady).anyMatch(line -> line.contains(", HALF_OPEN,"));
    assertThat(new Scenario(Duration.ofDays(days)).run()).isEqualTo(steady);
  }
}
