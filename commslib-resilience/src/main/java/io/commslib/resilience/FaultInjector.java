package io.commslib.resilience;

import io.commslib.core.call.CallOutcome;
import io.commslib.core.resilience.FaultConfig;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses the faults of attempts at random. Immutable. */
final class FaultInjector {

  private static final Logger log = LoggerFactory.getLogger(FaultInjector.class);

  /** Stands for the failure of the work of an attempt; the outcome is that of the settings. */
  static final Exception FAILURE =
      new Exception("an injected fault", null, false, false) {
        private static final long serialVersionUID = 1L;
      };

  final CallOutcome outcome;
  private final FaultConfig config;

  FaultInjector(FaultConfig config) {
    this.config = config;
    this.outcome = config.outcome();
  }

  /** Chooses the delay of an attempt; zero for none. */
  long delayNanos(RandomGenerator random) {
    return random.nextInt(100) < config.delayPercent() ? config.delay().toNanos() : 0;
  }

  /** Chooses whether an attempt fails. */
  boolean fails(RandomGenerator random) {
    return random.nextInt(100) < config.failPercent();
  }

  /**
   * Delays an attempt on its thread, and fails it.
   *
   * @throws InterruptedException if the delay overruns the time of the attempt, or the caller is
   *     interrupted
   * @throws Exception {@link #FAILURE} if the attempt fails by a fault
   */
  void inject(CommsRuntime runtime) throws Exception {
    long delay = delayNanos(runtime.random());
    boolean isFailed = fails(runtime.random());
    if (delay > 0) {
      runtime.pause(Duration.ofNanos(delay));
      // Under virtual time the tick interrupts this very thread during the pause.
      if (Thread.interrupted()) {
        throw new InterruptedException("interrupted in an injected delay");
      }
    }
    if (isFailed) {
      throw FAILURE;
    }
  }

  /** Logs that faults are switched on, changed or off: an operator must know. */
  static void report(String service, @Nullable FaultInjector before, @Nullable FaultInjector now) {
    FaultConfig config = now == null ? null : now.config;
    if (Objects.equals(config, before == null ? null : before.config)) {
      return;
    }
    if (config == null) {
      log.info("{}: no faults are injected any longer", service);
    } else {
      log.warn("{}: faults are injected into its calls: {}", service, config);
    }
  }
}
