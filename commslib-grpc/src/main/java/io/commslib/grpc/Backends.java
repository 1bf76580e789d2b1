package io.commslib.grpc;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.tls.TlsIdentity;
import io.commslib.resilience.EndpointPool;
import io.grpc.NameResolver;
import java.net.SocketAddress;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The connected backends of one channel, between its balancer and the engine. Thread-safe. */
final class Backends {

  /** Takes this object from the builder of a channel to its balancer. */
  static final NameResolver.Args.Key<Backends> KEY = NameResolver.Args.Key.create("commslib");

  private static final Logger log = LoggerFactory.getLogger(GrpcCalls.class);

  private record Subset(Predicate<SocketAddress> members, EndpointPool<Backend> pool) {}

  private final Map<String, Subset> subsets = new LinkedHashMap<>();
  private final EndpointPool<Backend> pool;
  private final @Nullable TlsIdentity identity;
  private volatile boolean isAny;

  Backends(
      String service,
      Map<String, Predicate<SocketAddress>> members,
      @Nullable TlsIdentity identity,
      CommsRuntime runtime) {
    this.identity = identity;
    EndpointPool.Builder<Backend> all = EndpointPool.builder(service, runtime);
    members.forEach(
        (name, test) -> {
          EndpointPool<Backend> own = EndpointPool.<Backend>builder(service, runtime).build();
          subsets.put(name, new Subset(test, own));
          all.subset(name, own);
        });
    this.pool = all.build();
  }

  EndpointPool<Backend> pool() {
    return pool;
  }

  /** The identity whose changes renew the connections, or null. */
  @Nullable TlsIdentity identity() {
    return identity;
  }

  /** Whether there is a backend to choose; until then a channel connects and calls wait. */
  boolean isAny() {
    return isAny;
  }

  /** The members of a subset among these; none of a subset that is not known. */
  List<Backend> members(String subset, List<Backend> of) {
    Subset known = subsets.get(subset);
    return known == null ? List.of() : members(known, of);
  }

  /**
   * Replaces the backends; called by one thread at a time. A subset without a connected one has all
   * of its own: attempts to them wait while one connects, and fail as not sent if none does, where
   * an empty pool would refuse them.
   *
   * @param connected at least one
   */
  void replace(List<Backend> connected, Collection<Backend> all) {
    for (Subset subset : subsets.values()) {
      List<Backend> members = members(subset, connected);
      subset.pool.replace(members.isEmpty() ? members(subset, all) : members);
    }
    pool.replace(connected);
    isAny = true;
  }

  /**
   * The channel is idle or shut down. Calls that have begun keep the backends of before, whose
   * attempts take what the channel connects to next.
   */
  void leave() {
    isAny = false;
  }

  private static List<Backend> members(Subset subset, Collection<Backend> of) {
    return of.stream().filter(each -> isMember(each, subset.members)).toList();
  }

  /** What a test throws would end the channel for good, so its backend is no member. */
  private static boolean isMember(Backend backend, Predicate<SocketAddress> members) {
    try {
      return backend.addresses().getAddresses().stream().anyMatch(members);
    } catch (Throwable e) {
      log.error("the test of a subset failed for {}, which is left out of it", backend, e);
      return false;
    }
  }
}
