package io.commslib.grpc;

import io.commslib.core.tls.TlsIdentity;
import io.commslib.resilience.EndpointPool;
import io.grpc.ConnectivityState;
import io.grpc.ConnectivityStateInfo;
import io.grpc.EquivalentAddressGroup;
import io.grpc.LoadBalancer;
import io.grpc.LoadBalancerProvider;
import io.grpc.LoadBalancerRegistry;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Connects to all addresses of a channel and gives the connected ones to the engine, which chooses.
 * gRPC calls it on one thread at a time.
 *
 * <p>The engine gets the first backends together, once each of them is connected or has failed: one
 * that is new beside others has a slow start, which the first ones need not have.
 */
final class BackendBalancer extends LoadBalancer {

  static final String POLICY = "commslib_endpoints";

  private final Helper helper;
  private final @Nullable Backends backends;
  private final Map<EquivalentAddressGroup, Backend> all = new LinkedHashMap<>();
  private final @Nullable ConnectionRenewal renewal;
  private boolean hasBegun;
  private boolean hasFailed;

  private BackendBalancer(Helper helper) {
    this.helper = helper;
    this.backends = helper.getNameResolverArgs().getArg(Backends.KEY);
    TlsIdentity identity = backends == null ? null : backends.identity();
    this.renewal =
        identity == null
            ? null
            : ConnectionRenewal.begin(identity, helper, all.values(), this::open, this::update);
  }

  /** Makes the policy known to gRPC, which finds policies by name. Repeating it changes nothing. */
  static void register() {
    if (LoadBalancerRegistry.getDefaultRegistry().getProvider(POLICY) == null) {
      LoadBalancerRegistry.getDefaultRegistry().register(new Provider());
    }
  }

  private static final class Provider extends LoadBalancerProvider {
    @Override
    public boolean isAvailable() {
      return true;
    }

    @Override
    public int getPriority() {
      return 5;
    }

    @Override
    public String getPolicyName() {
      return POLICY;
    }

    @Override
    public LoadBalancer newLoadBalancer(Helper helper) {
      return new BackendBalancer(helper);
    }
  }

  @Override
  public Status acceptResolvedAddresses(ResolvedAddresses resolved) {
    List<EquivalentAddressGroup> groups = resolved.getAddresses();
    if (groups.isEmpty()) {
      Status none = Status.UNAVAILABLE.withDescription("the name of the channel has no address");
      handleNameResolutionError(none);
      return none;
    }
    Map<EquivalentAddressGroup, EquivalentAddressGroup> named = new LinkedHashMap<>();
    for (EquivalentAddressGroup group : groups) {
      // Attributes may change with each resolution.
      named.putIfAbsent(new EquivalentAddressGroup(group.getAddresses()), group);
    }
    all.entrySet()
        .removeIf(
            each -> {
              boolean isGone = !named.containsKey(each.getKey());
              if (isGone) {
                each.getValue().shutdown();
              }
              return isGone;
            });
    named.forEach(this::add);
    update();
    return Status.OK;
  }

  /** Those of before stay, so that the order of a long list decides nothing. */
  private void add(EquivalentAddressGroup key, EquivalentAddressGroup group) {
    if (all.size() < EndpointPool.MAX_ENDPOINTS && !all.containsKey(key)) {
      all.put(key, connect(key, group));
    }
  }

  private Backend connect(EquivalentAddressGroup key, EquivalentAddressGroup group) {
    Backend backend = new Backend(key, group);
    backend.subchannel(open(backend));
    return backend;
  }

  /** Makes a connection to a backend, which is its first or its next one. */
  private Subchannel open(Backend backend) {
    Subchannel subchannel =
        helper.createSubchannel(
            CreateSubchannelArgs.newBuilder().setAddresses(List.of(backend.resolved())).build());
    subchannel.start(info -> changed(backend, subchannel, info));
    subchannel.requestConnection();
    return subchannel;
  }

  private void changed(Backend backend, Subchannel of, ConnectivityStateInfo info) {
    if (all.get(backend.addresses()) != backend) {
      return;
    }
    ConnectivityState next = info.getState();
    if (renewal != null && renewal.changed(backend, of, next)) {
      update();
    }
    boolean isCurrent = of == backend.subchannel();
    if (next == ConnectivityState.IDLE && (isCurrent || of == backend.successor())) {
      of.requestConnection();
    }
    if (!isCurrent) {
      return;
    }
    if (next == ConnectivityState.IDLE || next == ConnectivityState.TRANSIENT_FAILURE) {
      helper.refreshNameResolution();
    }
    // One that could not be connected counts as failed until it is.
    boolean staysFailed =
        backend.state() == ConnectivityState.TRANSIENT_FAILURE
            && (next == ConnectivityState.CONNECTING || next == ConnectivityState.IDLE);
    if (!staysFailed) {
      backend.state(next);
    }
    update(info.getStatus());
  }

  private void update() {
    update(Status.UNAVAILABLE);
  }

  private void update(Status last) {
    List<Backend> connected = new ArrayList<>();
    List<Backend> connecting = new ArrayList<>();
    for (Backend backend : all.values()) {
      if (backend.isReady()) {
        connected.add(backend);
      } else if (backend.state() != ConnectivityState.TRANSIENT_FAILURE) {
        connecting.add(backend);
      }
    }
    boolean isConnecting = !connecting.isEmpty();
    hasBegun |= !isConnecting && !connected.isEmpty();
    // Without any, the last ones stay: attempts to them fail as not sent, and may be repeated.
    if (backends != null && hasBegun && !connected.isEmpty()) {
      backends.replace(connected, all.values());
    }
    if (!connected.isEmpty()) {
      helper.updateBalancingState(
          ConnectivityState.READY, new BackendPicker(connected, connecting, backends));
    } else if (isConnecting) {
      helper.updateBalancingState(
          ConnectivityState.CONNECTING, new FixedResultPicker(PickResult.withNoResult()));
    } else {
      Status failure =
          last.isOk() ? Status.UNAVAILABLE.withDescription("no backend is connected") : last;
      helper.updateBalancingState(
          ConnectivityState.TRANSIENT_FAILURE,
          new FixedResultPicker(PickResult.withError(failure)));
    }
    hasFailed = connected.isEmpty() && !isConnecting;
  }

  @Override
  public void handleNameResolutionError(Status failure) {
    // With backends, a failed resolution changes nothing.
    if (all.isEmpty() || hasFailed) {
      helper.updateBalancingState(
          ConnectivityState.TRANSIENT_FAILURE,
          new FixedResultPicker(PickResult.withError(failure)));
    }
  }

  @Override
  public void shutdown() {
    if (renewal != null) {
      renewal.end();
    }
    all.values().forEach(Backend::shutdown);
    all.clear();
    if (backends != null) {
      backends.leave();
    }
  }
}
