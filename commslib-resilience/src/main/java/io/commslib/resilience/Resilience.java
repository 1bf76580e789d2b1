package io.commslib.resilience;

import io.commslib.core.call.CallTarget;
import io.commslib.core.checks.Checks;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.time.CommsRuntime;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The calls of a process to other services. Applications create one and pass it on; blocking calls
 * run on the threads of their callers. Thread-safe.
 */
public final class Resilience implements AutoCloseable {

  /** The maximum number of remotes of a process. */
  public static final int MAX_REMOTES = 1_000;

  private final CommsRuntime runtime;
  private final CallEvents events;
  private final CallPolicy defaults;
  private final Map<String, CallPolicy> policies;
  private final AttemptWatch watch;
  private final CallThreads threads;
  private final Map<String, Guard> guards = new ConcurrentHashMap<>();

  private Resilience(Builder from) {
    this.runtime = from.runtime;
    this.events = new CallEvents(runtime, from.observer);
    this.defaults = from.defaults;
    this.policies = Map.copyOf(from.policies);
    this.watch = new AttemptWatch(runtime);
    this.threads = new CallThreads(runtime);
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
    Guard known = guards.get(service);
    return known != null ? known : guards.computeIfAbsent(service, this::newGuard);
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
    CallPolicy policy = policies.getOrDefault(service, defaults);
    return new Guard(service, policy, runtime, watch, threads, events);
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

  /** Delivers waiting events to the observer and accepts no more. Calls are not affected. */
  @Override
  public void close() {
    events.close();
  }

  /** Builds the calls of a process. Mutable; confined to one thread. */
  public static final class Builder {
    private final CommsRuntime runtime;
    private final Map<String, CallPolicy> policies = new TreeMap<>();
    private CommsObserver observer = CommsObserver.logging();
    private CallPolicy defaults = CallPolicy.defaults();

    private Builder(CommsRuntime runtime) {
      this.runtime = Objects.requireNonNull(runtime, "runtime");
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
      this.defaults = Objects.requireNonNull(policy, "policy");
      return this;
    }

    /**
     * Sets the policy of a remote.
     *
     * @param service the name of the remote service
     * @param policy its policy; default that of {@link #defaults}
     * @return this builder
     * @throws IllegalArgumentException if the name breaks its rule or has a policy already
     */
    public Builder policy(String service, CallPolicy policy) {
      Checks.printable("service", service, CallTarget.MAX_NAME_CHARS);
      Checks.check(!policies.containsKey(service), "service", service, "one policy");
      policies.put(service, Objects.requireNonNull(policy, "policy"));
      return this;
    }

    /** {@return the calls} */
    public Resilience build() {
      return new Resilience(this);
    }
  }
}
