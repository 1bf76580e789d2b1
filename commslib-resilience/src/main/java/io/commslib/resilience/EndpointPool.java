package io.commslib.resilience;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallTarget;
import io.commslib.core.checks.Checks;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The endpoints of a remote, one of which is chosen for each attempt: the less loaded one of two
 * chosen at random (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
 * Applications and adapters create one for each remote and pass it to {@link
 * GuardedOperation#withEndpoints}. Thread-safe.
 *
 * <p>A further attempt of a call goes to an endpoint that the call has not tried, if there is one.
 * An endpoint that is new or comes back gets its share within 10 s, from a tenth on. One that fails
 * five times in a row is left out for 5 s, longer each time up to 60 s, but never more than half of
 * them; if all are left out, all are used. Failures of the callee and attempts that did not reach
 * it count; answers that reject a request, cancelled attempts and refusals on this side do not.
 *
 * @param <E> type of the endpoints, which are compared by {@code equals} and named in log lines by
 *     {@code toString}, so their text must not have a credential
 */
public final class EndpointPool<E> {

  /** The maximum number of endpoints. */
  public static final int MAX_ENDPOINTS = 1_000;

  /** The maximum number of subsets. */
  public static final int MAX_SUBSETS = 64;

  private static final Logger log = LoggerFactory.getLogger(EndpointPool.class);

  private final String name;
  private final CommsRuntime runtime;
  private final Map<String, EndpointPool<E>> subsets;
  private final @Nullable EndpointRefresh<E> refresh;
  private volatile List<Endpoint<E>> endpoints;

  /** The endpoints, if each of them got all of its share when they were last checked; or null. */
  private volatile @Nullable List<Endpoint<E>> steady;

  private EndpointPool(Builder<E> from) {
    this.name = from.name;
    this.runtime = from.runtime;
    this.subsets = new TreeMap<>(from.subsets);
    long now = runtime.time().nanoTime();
    this.endpoints =
        checked(from.endpoints).stream().map(each -> new Endpoint<>(each, true, now)).toList();
    this.refresh = from.refresh == null ? null : from.refresh.to(this::replace);
  }

  /**
   * Starts a pool.
   *
   * @param <E> type of the endpoints
   * @param name the name of the remote, for log lines and the name of a thread
   * @param runtime outlives the pool
   * @return a builder
   * @throws IllegalArgumentException if the name is not 1 to 128 printable ASCII characters
   */
  public static <E> Builder<E> builder(String name, CommsRuntime runtime) {
    return new Builder<>(name, runtime);
  }

  private static <E> List<E> checked(List<E> endpoints) {
    List<E> distinct = endpoints.stream().distinct().toList();
    Checks.inRange("endpoints", distinct.size(), 0, MAX_ENDPOINTS);
    return distinct;
  }

  /** {@return the endpoints in use, unmodifiable} */
  public List<E> endpoints() {
    return endpoints.stream().map(each -> each.address).toList();
  }

  /** {@return the number of attempts in flight by endpoint, of those in use} */
  public Map<E, Integer> inFlight() {
    Map<E, Integer> counts = new LinkedHashMap<>();
    endpoints.forEach(each -> counts.put(each.address, each.inFlight()));
    return counts;
  }

  /** {@return the endpoints that are left out now because attempts to them failed} */
  public List<E> ejected() {
    return endpoints.stream().filter(Endpoint::isEjected).map(each -> each.address).toList();
  }

  /**
   * Replaces the endpoints, for a source that pushes its changes. Those that stay keep what is
   * known of them. Attempts in flight at one that was removed end there.
   *
   * @param next 0 to {@value #MAX_ENDPOINTS} endpoints; duplicates are ignored; without any each
   *     attempt is refused
   * @throws IllegalArgumentException if there are more
   */
  public synchronized void replace(List<E> next) {
    long now = runtime.time().nanoTime();
    List<E> addresses = checked(next);
    Map<E, Endpoint<E>> known = new LinkedHashMap<>();
    endpoints.forEach(each -> known.put(each.address, each));
    // A slow start is for one that is new beside others.
    boolean isAllNew = addresses.stream().noneMatch(known::containsKey);
    List<Endpoint<E>> replaced = new ArrayList<>();
    for (E address : addresses) {
      Endpoint<E> before = known.get(address);
      replaced.add(before == null ? new Endpoint<>(address, isAllNew, now) : before);
    }
    if (!replaced.equals(endpoints)) {
      endpoints = List.copyOf(replaced);
    }
  }

  /** The pool of a subset, or this one if the subset has none of its own. */
  EndpointPool<E> of(@Nullable String subset) {
    return subset == null ? this : subsets.getOrDefault(subset, this);
  }

  boolean hasSubset(String subset) {
    return subsets.containsKey(subset);
  }

  /**
   * Chooses the endpoint of an attempt, for adapters that make attempts without {@link
   * GuardedOperation}. It must be ended or released. Does not block.
   *
   * @param before the endpoint of the attempt of this call before, whose endpoint and those before
   *     it are avoided, or null
   * @return the endpoint, or null if there is none
   */
  public @Nullable EndpointPermit<E> choose(@Nullable EndpointPermit<E> before) {
    return choose(before, true);
  }

  /** As above; without balancing it is the first one, of which nothing is counted. */
  @Nullable EndpointPermit<E> choose(@Nullable EndpointPermit<E> before, boolean isBalanced) {
    long now = runtime.time().nanoTime();
    if (refresh != null) {
      refresh.ifDue(now);
    }
    List<Endpoint<E>> all = endpoints;
    if (all.isEmpty()) {
      return null;
    }
    boolean isFirst = !isBalanced || all.size() == 1;
    Endpoint<E> chosen = isFirst ? all.get(0) : balanced(all, before, now);
    EndpointPermit<E> permit = new EndpointPermit<>(this, chosen, isBalanced, before);
    chosen.begin();
    return permit;
  }

  private Endpoint<E> balanced(
      List<Endpoint<E>> all, @Nullable EndpointPermit<E> before, long now) {
    Endpoint<E> steadyOne = before == null && steady == all ? lessLoaded(all) : null;
    if (steadyOne != null && steadyOne.isSteady()) {
      return steadyOne;
    }
    List<Endpoint<E>> open = those(all, each -> each.isOpen(now), all);
    List<Endpoint<E>> others =
        before == null ? open : those(open, each -> !before.isAt(each), open);
    RandomGenerator random = runtime.random();
    Endpoint<E> chosen =
        lessLoaded(
            those(
                open,
                each ->
                    (before == null || !before.hasTried(each))
                        && random.nextDouble() < each.share(now),
                others));
    steady = all.stream().allMatch(Endpoint::isSteady) ? all : null;
    return chosen;
  }

  private Endpoint<E> lessLoaded(List<Endpoint<E>> from) {
    RandomGenerator random = runtime.random();
    int first = random.nextInt(from.size());
    if (from.size() == 1) {
      return from.get(first);
    }
    int second = (first + 1 + random.nextInt(from.size() - 1)) % from.size();
    Endpoint<E> one = from.get(first);
    Endpoint<E> other = from.get(second);
    return one.inFlight() <= other.inFlight() ? one : other;
  }

  /** Those that fulfil a condition, or others if none does. */
  private static <E> List<Endpoint<E>> those(
      List<Endpoint<E>> all, Predicate<Endpoint<E>> condition, List<Endpoint<E>> otherwise) {
    List<Endpoint<E>> found = new ArrayList<>(all.size());
    for (Endpoint<E> each : all) {
      if (condition.test(each)) {
        found.add(each);
      }
    }
    return found.isEmpty() ? otherwise : found;
  }

  /** Counts the outcome of an attempt to an endpoint. */
  void count(Endpoint<E> endpoint, CallOutcome outcome) {
    if (!outcome.isCalleeFailure() && outcome.certainty() != SendCertainty.NOT_SENT) {
      endpoint.succeeded();
    } else if (endpoint.failed()) {
      eject(endpoint, outcome);
    }
  }

  private synchronized void eject(Endpoint<E> endpoint, CallOutcome cause) {
    List<Endpoint<E>> all = endpoints;
    long out = all.stream().filter(Endpoint::isEjected).count();
    if (endpoint.isEjected() || (out + 1) * 2 > all.size()) {
      return;
    }
    Duration wait = endpoint.nextEjection();
    // Up to a quarter more: instances of a caller must not come back at the same moment.
    long jitter = runtime.random().nextLong(wait.toNanos() / 4);
    endpoint.ejectUntil(runtime.time().nanoTime() + wait.toNanos() + jitter);
    log.warn(
        "{}: {} is left out for {} after {} failures in a row, last {}",
        name,
        endpoint.address,
        wait,
        Endpoint.MAX_FAILURES,
        cause);
  }

  /** {@return the name and the number of endpoints} */
  @Override
  public String toString() {
    return "EndpointPool{" + name + ", " + endpoints.size() + " endpoints}";
  }

  /**
   * Builds a pool. Mutable; confined to one thread.
   *
   * @param <E> type of the endpoints
   */
  public static final class Builder<E> {

    private static final Duration MIN_PERIOD = Duration.ofMillis(10);
    private static final Duration MAX_PERIOD = Duration.ofHours(24);

    private final String name;
    private final CommsRuntime runtime;
    private final Map<String, EndpointPool<E>> subsets = new TreeMap<>();
    private List<E> endpoints = List.of();
    private @Nullable EndpointRefresh<E> refresh;

    private Builder(String name, CommsRuntime runtime) {
      this.name = Checks.printable("name", name, CallTarget.MAX_NAME_CHARS);
      this.runtime = Objects.requireNonNull(runtime, "runtime");
    }

    /**
     * Sets the endpoints of the beginning.
     *
     * @param first up to {@value EndpointPool#MAX_ENDPOINTS} endpoints; default none, then attempts
     *     are refused until there are some
     * @return this builder
     */
    public Builder<E> endpoints(List<E> first) {
      this.endpoints = List.copyOf(first);
      return this;
    }

    /**
     * Asks a source for the endpoints, on the thread of an attempt, so it must not block. If it
     * fails, has none or too many, the endpoints before stay in use.
     *
     * @param period the time between two of its calls, 10 ms to 24 h; default no source
     * @param source returns the endpoints
     * @return this builder
     * @throws IllegalArgumentException if the time is out of range
     */
    public Builder<E> poll(Duration period, Callable<List<E>> source) {
      return refresh(period, source, false);
    }

    /**
     * Asks a source that may block, from the first attempt on, on a thread {@code
     * commslib-endpoints-<name>} that ends with the lookup. No attempt waits for it. Else as {@link
     * #poll}, which it replaces.
     *
     * @param period the time between two of its calls, 10 ms to 24 h; default no source
     * @param source returns the endpoints
     * @return this builder
     * @throws IllegalArgumentException if the time is out of range
     */
    public Builder<E> lookUp(Duration period, Callable<List<E>> source) {
      return refresh(period, source, true);
    }

    private Builder<E> refresh(Duration period, Callable<List<E>> source, boolean isBlocking) {
      Checks.inRange("period", period, MIN_PERIOD, MAX_PERIOD);
      Objects.requireNonNull(source, "source");
      this.refresh = new EndpointRefresh<>(name, runtime, source, period, isBlocking);
      return this;
    }

    /**
     * Sets the endpoints of a subset, to which a split, a mirror or an operation sends attempts.
     *
     * @param subset the name of the subset, 1 to 128 printable ASCII characters; by default there
     *     are none, and attempts to a subset without endpoints of its own go to those of the pool
     * @param pool its endpoints
     * @return this builder
     * @throws IllegalArgumentException if the name breaks its rule or there are more than {@value
     *     EndpointPool#MAX_SUBSETS} subsets
     */
    public Builder<E> subset(String subset, EndpointPool<E> pool) {
      Checks.printable("subset", subset, CallTarget.MAX_NAME_CHARS);
      subsets.put(subset, Objects.requireNonNull(pool, "pool"));
      Checks.inRange("subsets", subsets.size(), 1, MAX_SUBSETS);
      return this;
    }

    /**
     * Builds the pool.
     *
     * @return the pool
     * @throws IllegalArgumentException if there are too many endpoints
     */
    public EndpointPool<E> build() {
      return new EndpointPool<>(this);
    }
  }
}
