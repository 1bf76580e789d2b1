package io.commslib.resilience;

import io.commslib.core.Health;
import io.commslib.core.call.CallTarget;
import io.commslib.core.checks.Checks;
import io.commslib.core.lifecycle.LifecycleComponent;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The calls of a process to other services. Applications create one and pass it on; blocking calls
 * run on the threads of their callers. Thread-safe.
 *
 * <p>A {@code Lifecycle} to which it is given by {@code calls(resilience)} waits for the calls in
 * flight once all handlers have ended, and closes it.
 */
public final class Resilience implements LifecycleComponent, AutoCloseable {

  /** The maximum number of remotes of a process. */
  public static final int MAX_REMOTES = 1_000;

  /** The default of {@link Builder#maxParts}. */
  public static final int DEFAULT_MAX_PARTS = 256;

  private static final String NAME = "calls";

  private final String name;
  private final CommsRuntime runtime;
  private final CallEvents events;
  private final AttemptWatch watch;
  private final CallsInFlight calls = new CallsInFlight();
  private final Mirrors mirrors;
  private final Engine engine;
  private final PartThreads parts;
  private final Map<String, Guard> guards = new ConcurrentHashMap<>();

  /** Held while a guard is created and while a configuration is applied, never by a call. */
  private final Object configuring = new Object();

  private ResilienceConfig config;

  private Resilience(Builder from) {
    this.name = from.name;
    this.runtime = from.runtime;
    this.events = new CallEvents(runtime, from.observer);
    this.config = from.effective();
    this.watch = new AttemptWatch(runtime);
    this.mirrors = new Mirrors(runtime, calls);
    this.engine = new Engine(runtime, watch, new CallThreads(runtime), events, calls, mirrors);
    this.parts = new PartThreads(runtime, from.partExecutor, from.maxParts);
  }

  /**
   * Creates the calls of a process with all defaults.
   *
   * @param runtime outlives the calls
   * @return the calls
   */
  public static Resilience create(CommsRuntime runtime) {
    return builder(runtime).build();
  }

  /**
   * Creates the calls of a process with a configuration.
   *
   * @param runtime outlives the calls
   * @param config the policies of all remotes
   * @return the calls
   */
  public static Resilience create(CommsRuntime runtime, ResilienceConfig config) {
    return builder(runtime).config(config).build();
  }

  /**
   * Starts a configuration.
   *
   * @param runtime outlives the calls
   * @return a builder
   */
  public static Builder builder(CommsRuntime runtime) {
    return new Builder(runtime);
  }

  /**
   * Returns the guard of a remote, the same one for each call with its name.
   *
   * @param service the name of the remote service, 1 to 128 printable ASCII characters
   * @return the guard
   * @throws IllegalArgumentException if the name breaks its rule
   * @throws IllegalStateException if there are {@value #MAX_REMOTES} remotes already
   */
  public Guard guard(String service) {
    Guard known = guards.get(Objects.requireNonNull(service, "service"));
    if (known != null) {
      return known;
    }
    synchronized (configuring) {
      return guards.computeIfAbsent(service, this::newGuard);
    }
  }

  private Guard newGuard(String service) {
    Checks.printable("service", service, CallTarget.MAX_NAME_CHARS);
    if (guards.size() >= MAX_REMOTES) {
      throw new IllegalStateException(
          "remotes: "
              + (MAX_REMOTES + 1)
              + " (expected: 1.."
              + MAX_REMOTES
              + "; a service is a name and never a URL)");
    }
    return new Guard(service, config.effective(service), engine);
  }

  /**
   * Replaces the policies of all remotes, of those with a guard and of those without. Calls that
   * begin afterwards use them. A circuit breaker keeps its state, a budget, a bulkhead and a rate
   * limiter keep what they have counted. Policies that {@link Guard#replacePolicy} has set are
   * replaced too. Applying the same configuration again has no effect.
   *
   * @param next the new configuration
   */
  public void apply(ResilienceConfig next) {
    Objects.requireNonNull(next, "config");
    synchronized (configuring) {
      config = next;
      guards.forEach((service, guard) -> guard.replace(next.effective(service)));
    }
  }

  /**
   * Returns the effective policies: those of {@code default}, of each remote with settings of its
   * own, and of each guard whose policy was replaced. The lines are those of {@link
   * ResilienceConfig#describe}.
   *
   * @return the lines
   */
  public String describe() {
    synchronized (configuring) {
      Map<String, EffectivePolicy> all = config.policies();
      EffectivePolicy defaults = config.effective(ConfigKeys.DEFAULT);
      guards.forEach(
          (service, guard) -> {
            if (guard.effective() != defaults) {
              all.put(service, guard.effective());
            }
          });
      return ResilienceConfig.describe(all);
    }
  }

  /** {@return the time, randomness and threads of these calls, for adapters} */
  public CommsRuntime runtime() {
    return runtime;
  }

  /**
   * {@return the number of attempts that overran their time or were cancelled, and whose code has
   * not returned or whose stage has not ended}
   */
  public int overrunning() {
    return watch.overrunning();
  }

  /** {@return the number of attempts that overran their time, since the start} */
  public long overruns() {
    return watch.overruns();
  }

  /**
   * Opens a scope whose parts run in parallel under one deadline, for an answer that is put
   * together from several remotes. Starts no thread.
   *
   * @param timeout the time for all parts, from now; the deadline of the current {@code
   *     CallContext} holds if it is earlier, and zero or less has expired already
   * @return the scope; its creator closes it
   */
  public Composer composer(Duration timeout) {
    return new Composer(parts, timeout);
  }

  /** {@return the number of parts of composers that have a thread or wait for the executor} */
  public int partsInFlight() {
    return parts.taken();
  }

  /** {@return the number of parts that were interrupted and whose code has not returned} */
  public int overrunningParts() {
    return parts.overrunning();
  }

  /** {@return {@code calls}, or {@code calls-} and the name of {@link Builder#name}} */
  @Override
  public String name() {
    return name;
  }

  /** Does nothing: calls are possible once this object exists. */
  @Override
  public void start() {
    // Nothing runs before the first call.
  }

  /**
   * Waits for the calls in flight, with all their attempts, and for code of attempts that ignores
   * its interrupt. Calls that begin meanwhile are refused, apart from those that an attempt of a
   * call in flight makes. Copies of calls for a mirror are not waited for. Once this returns all
   * further calls are refused with {@code COMMS-CALL-007}; those that have not ended continue.
   * Blocks; an interrupt ends the wait. Repeating it waits again.
   *
   * @param timeout maximum wait
   * @return whether all calls have ended
   */
  @Override
  public boolean drain(Duration timeout) {
    return calls.drain(timeout, runtime, watch);
  }

  /**
   * Returns the health of the calls themselves. It does not depend on remotes and their breakers: a
   * remote that fails must not take the callers out of service.
   *
   * @return up until a drain begins, with the numbers of calls in flight and of attempts that
   *     overrun
   */
  @Override
  public Health health() {
    Map<String, String> details =
        Map.of(
            "inFlight", Long.toString(calls.inFlight()),
            "overrunning", Integer.toString(overrunning()));
    return calls.isOpen()
        ? Health.of(Health.Status.UP, "", details)
        : Health.of(Health.Status.DOWN, "the calls of this process have ended", details);
  }

  /**
   * Delivers waiting events to the observer and accepts no more. Interrupts the parts that run on
   * threads of the runtime; later ones are refused. Copies of calls for a mirror are interrupted or
   * cancelled, and later ones dropped. Other calls are not affected.
   */
  @Override
  public void close() {
    mirrors.close();
    parts.close();
    events.close();
  }

  /** Builds the calls of a process. Mutable; confined to one thread. */
  public static final class Builder {
    private final CommsRuntime runtime;
    private final ResilienceConfig.Builder code = ResilienceConfig.builder();
    private String name = NAME;
    private boolean hasCode;
    private @Nullable ResilienceConfig config;
    private CommsObserver observer = CommsObserver.logging();
    private @Nullable Executor partExecutor;
    private int maxParts = DEFAULT_MAX_PARTS;

    private Builder(CommsRuntime runtime) {
      this.runtime = Objects.requireNonNull(runtime, "runtime");
    }

    /**
     * Sets the name of the component in health and logs of a {@code Lifecycle}. Two of one
     * lifecycle must have different names.
     *
     * @param suffix shown after {@code calls-}; 1 to 64 printable ASCII characters; default none,
     *     and the component is called {@code calls}
     * @return this builder
     * @throws IllegalArgumentException if the name breaks its rule
     */
    public Builder name(String suffix) {
      this.name = NAME + "-" + Checks.printable("name", suffix, 64);
      return this;
    }

    /**
     * Sets the receiver of events.
     *
     * @param observer default {@link CommsObserver#logging()}
     * @return this builder
     */
    public Builder observer(CommsObserver observer) {
      this.observer = Objects.requireNonNull(observer, "observer");
      return this;
    }

    /**
     * Sets the policy of remotes that have none of their own.
     *
     * @param policy default {@link CallPolicy#defaults()}
     * @return this builder
     */
    public Builder defaults(CallPolicy policy) {
      code.defaults(policy);
      hasCode = true;
      return this;
    }

    /**
     * Sets the policy of a remote.
     *
     * @param service the name of the remote service
     * @param policy its policy; default that of {@link #defaults}
     * @return this builder
     * @throws IllegalArgumentException if the name breaks its rule, is {@code default}, or has a
     *     policy already
     */
    public Builder policy(String service, CallPolicy policy) {
      code.policy(service, policy);
      hasCode = true;
      return this;
    }

    /**
     * Sets the executor that runs the parts of composers, for example one thread for each task, or
     * one that also takes thread-local variables along. Its queue counts for the time of a part.
     * With fewer threads than parts, parts that open composers can wait for each other until their
     * deadline.
     *
     * @param partExecutor the executor, which this class does not close; default threads {@code
     *     commslib-parts-<n>} of the runtime, started on demand and ended by {@link
     *     Resilience#close}
     * @return this builder
     */
    public Builder partExecutor(Executor partExecutor) {
      this.partExecutor = Objects.requireNonNull(partExecutor, "partExecutor");
      return this;
    }

    /**
     * Sets the maximum number of parts of all composers at a time. A further part is refused.
     *
     * @param maxParts 1 to 100,000; default {@value #DEFAULT_MAX_PARTS}
     * @return this builder
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder maxParts(int maxParts) {
      this.maxParts = Checks.inRange("maxParts", maxParts, 1, 100_000);
      return this;
    }

    /**
     * Sets the policies of all remotes. {@link ResilienceConfig.Builder} combines keys with
     * policies in code.
     *
     * @param config default none; excludes {@link #defaults} and {@link #policy}
     * @return this builder
     */
    public Builder config(ResilienceConfig config) {
      this.config = Objects.requireNonNull(config, "config");
      return this;
    }

    private ResilienceConfig effective() {
      if (config == null) {
        return code.build();
      }
      if (hasCode) {
        throw new IllegalStateException(
            "config: set beside defaults or policy (expected: policies in the configuration's"
                + " builder)");
      }
      return config;
    }

    /**
     * Builds the calls.
     *
     * @return the calls
     * @throws IllegalStateException if a configuration is set beside defaults or policies
     */
    public Resilience build() {
      return new Resilience(this);
    }
  }
}
