package io.commslib.http;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.checks.Checks;
import io.commslib.core.time.CommsRuntime;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chooses the instance for each attempt: the less loaded one of two chosen at random (Mitzenmacher,
 * "The Power of Two Choices in Randomized Load Balancing", 2001). An instance that is new or comes
 * back gets its share step by step. One that fails several times in a row is left out for a time
 * that grows, up to half of the instances; an answer that only rejects a request is no failure.
 */
final class EndpointPool {

  private static final Logger log = LoggerFactory.getLogger(EndpointPool.class);

  /** Failures in a row after which an instance is left out. */
  static final int MAX_FAILURES = 5;

  static final Duration FIRST_EJECTION = Duration.ofSeconds(5);
  private static final int MAX_EJECTION_FACTOR = 12;

  /** The time in which a new instance gets from a tenth of its share to all of it. */
  static final Duration SLOW_START = Duration.ofSeconds(10);

  static final Duration REFRESH = Duration.ofSeconds(1);

  /** The time between two lookups of a name. */
  static final Duration LOOKUP = Duration.ofSeconds(10);

  /** An instance. */
  static final class Endpoint {
    final URI uri;
    private final AtomicInteger inFlight = new AtomicInteger();
    private final AtomicInteger failures = new AtomicInteger();
    private final AtomicInteger ejections = new AtomicInteger();
    private volatile boolean ejected;
    private volatile long ejectedUntil;

    /** The start of the slow start; meaningless unless {@link #isWarm} is false. */
    private volatile long since;

    private volatile boolean isWarm;

    private Endpoint(URI uri, boolean isWarm, long now) {
      this.uri = uri;
      this.isWarm = isWarm;
      this.since = now;
    }

    int inFlight() {
      return inFlight.get();
    }
  }

  private final String service;
  private final Endpoints source;
  private final CommsRuntime runtime;
  private final Lookups lookups;
  private final AtomicBoolean refreshing = new AtomicBoolean();
  private volatile List<Endpoint> endpoints;

  /** The time of the next refresh. */
  private volatile long due;

  private volatile boolean sourceFails;

  /** Runs a lookup on another thread. */
  interface Lookups {
    void start(Runnable lookup);
  }

  EndpointPool(String service, Endpoints source, CommsRuntime runtime) {
    this(
        service,
        source,
        runtime,
        lookup -> runtime.newThread("endpoints-" + service, lookup).start());
  }

  EndpointPool(String service, Endpoints source, CommsRuntime runtime, Lookups lookups) {
    this.service = service;
    this.source = source;
    this.runtime = runtime;
    this.lookups = lookups;
    long now = runtime.time().nanoTime();
    this.due = source instanceof DnsEndpoints ? now : now + REFRESH.toNanos();
    List<Endpoint> first = new ArrayList<>();
    for (URI uri : checked(source.current())) {
      first.add(new Endpoint(uri, true, now));
    }
    this.endpoints = List.copyOf(first);
  }

  private static List<URI> checked(List<URI> addresses) {
    Checks.inRange("addresses", addresses.size(), 1, Endpoints.MAX_ADDRESSES);
    return addresses.stream().map(EndpointPool::checked).distinct().toList();
  }

  static URI checked(URI address) {
    String scheme = String.valueOf(address.getScheme()).toLowerCase(Locale.ROOT);
    boolean valid =
        (scheme.equals("http") || scheme.equals("https"))
            && address.getHost() != null
            && address.getRawUserInfo() == null
            && address.getRawQuery() == null
            && address.getRawFragment() == null;
    // A user and password may be in it, so it is not shown.
    Checks.check(
        valid, "address", "not valid", "http(s)://host[:port][/path] without user and query");
    return address;
  }

  /**
   * Chooses the instance of an attempt, which {@link #end} must end.
   *
   * @param last the instance of the attempt before, which is avoided; or null
   */
  Endpoint begin(@Nullable Endpoint last) {
    long now = runtime.time().nanoTime();
    refreshIfDue(now);
    List<Endpoint> all = endpoints;
    Endpoint chosen = all.size() == 1 ? all.get(0) : choose(all, last, now);
    chosen.inFlight.incrementAndGet();
    return chosen;
  }

  private Endpoint choose(List<Endpoint> all, @Nullable Endpoint last, long now) {
    RandomGenerator random = runtime.random();
    List<Endpoint> open = new ArrayList<>(all.size());
    for (Endpoint each : all) {
      if (each != last && isOpen(each, now) && random.nextDouble() < share(each, now)) {
        open.add(each);
      }
    }
    List<Endpoint> from = open.isEmpty() ? all : open;
    int first = random.nextInt(from.size());
    if (from.size() == 1) {
      return from.get(first);
    }
    int second = (first + 1 + random.nextInt(from.size() - 1)) % from.size();
    Endpoint one = from.get(first);
    Endpoint other = from.get(second);
    return one.inFlight.get() <= other.inFlight.get() ? one : other;
  }

  private boolean isOpen(Endpoint endpoint, long now) {
    if (!endpoint.ejected) {
      return true;
    }
    if (now - endpoint.ejectedUntil < 0) {
      return false;
    }
    endpoint.failures.set(0);
    endpoint.since = now;
    endpoint.isWarm = false;
    endpoint.ejected = false;
    return true;
  }

  /** The share of attempts for which an instance is considered, from a tenth to 1. */
  private static double share(Endpoint endpoint, long now) {
    if (endpoint.isWarm) {
      return 1;
    }
    double share = (now - endpoint.since) / (double) SLOW_START.toNanos();
    if (share >= 1) {
      endpoint.isWarm = true;
    }
    return Math.max(0.1, share);
  }

  /** Ends an attempt. */
  void end(Endpoint endpoint, CallOutcome outcome) {
    endpoint.inFlight.decrementAndGet();
    if (outcome.status() == CallStatus.CANCELLED) {
      return;
    }
    if (!isFailure(outcome)) {
      endpoint.failures.set(0);
      endpoint.ejections.set(0);
    } else if (endpoint.failures.incrementAndGet() >= MAX_FAILURES) {
      eject(endpoint, outcome);
    }
  }

  private static boolean isFailure(CallOutcome outcome) {
    return outcome.isCalleeFailure() || outcome.certainty() == SendCertainty.NOT_SENT;
  }

  private synchronized void eject(Endpoint endpoint, CallOutcome cause) {
    List<Endpoint> all = endpoints;
    long out = all.stream().filter(each -> each.ejected).count();
    if (endpoint.ejected || (out + 1) * 2 > all.size()) {
      return;
    }
    int times = Math.min(MAX_EJECTION_FACTOR, endpoint.ejections.incrementAndGet());
    Duration wait = FIRST_EJECTION.multipliedBy(times);
    // Up to a quarter more: instances of a caller must not come back at the same moment.
    long jitter = runtime.random().nextLong(wait.toNanos() / 4);
    endpoint.ejectedUntil = runtime.time().nanoTime() + wait.toNanos() + jitter;
    endpoint.ejected = true;
    log.warn(
        "{}: {} is left out for {} after {} failures in a row, last {}",
        service,
        endpoint.uri,
        wait,
        MAX_FAILURES,
        cause);
  }

  private void refreshIfDue(long now) {
    if (now - due < 0 || !refreshing.compareAndSet(false, true)) {
      return;
    }
    if (source instanceof DnsEndpoints dns) {
      lookUp(dns, now);
    } else {
      refresh(source::current, REFRESH);
    }
  }

  /** A lookup may hang for a minute and ignores interrupts, so no call makes it. */
  private void lookUp(DnsEndpoints dns, long now) {
    try {
      lookups.start(() -> refresh(dns::lookUp, LOOKUP));
    } catch (Throwable e) {
      // No thread can be started now; the addresses before stay in use.
      due = now + LOOKUP.toNanos();
      refreshing.set(false);
    }
  }

  private void refresh(Callable<List<URI>> addresses, Duration next) {
    try {
      replace(checked(addresses.call()), runtime.time().nanoTime());
      sourceFails = false;
    } catch (Throwable e) {
      if (!sourceFails) {
        sourceFails = true;
        log.warn("{}: the addresses before stay in use: {}", service, e.toString());
      }
    } finally {
      due = runtime.time().nanoTime() + next.toNanos();
      refreshing.set(false);
    }
  }

  private void replace(List<URI> addresses, long now) {
    Map<URI, Endpoint> known = new LinkedHashMap<>();
    endpoints.forEach(each -> known.put(each.uri, each));
    // A slow start is for one that is new beside others.
    boolean isAllNew = addresses.stream().noneMatch(known::containsKey);
    List<Endpoint> next = new ArrayList<>();
    for (URI uri : addresses) {
      Endpoint before = known.get(uri);
      next.add(before == null ? new Endpoint(uri, isAllNew, now) : before);
    }
    if (!next.equals(endpoints)) {
      // Attempts in flight at an instance that was removed end there.
      endpoints = List.copyOf(next);
    }
  }

  /** The instances in use. */
  List<Endpoint> endpoints() {
    return endpoints;
  }
}
