package io.commslib.grpc;

import io.grpc.ClientStreamTracer;
import io.grpc.LoadBalancer.PickResult;
import io.grpc.LoadBalancer.PickSubchannelArgs;
import io.grpc.LoadBalancer.SubchannelPicker;
import io.grpc.Status;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Sends an attempt to the backend that the engine has chosen. Attempts without a choice, and those
 * whose backend has gone meanwhile, take turns over the connected ones of their subset.
 */
final class BackendPicker extends SubchannelPicker {

  private final List<Backend> connected;
  private final List<Backend> connecting;
  private final @Nullable Backends backends;
  private final AtomicInteger turn = new AtomicInteger();

  /**
   * Creates a picker.
   *
   * @param connecting those that may be connected soon
   * @param backends knows the members of subsets; null if there are none
   */
  BackendPicker(List<Backend> connected, List<Backend> connecting, @Nullable Backends backends) {
    this.connected = connected;
    this.connecting = connecting;
    this.backends = backends;
  }

  @Override
  public PickResult pickSubchannel(PickSubchannelArgs args) {
    SendTracer attempt = attempt(args.getCallOptions().getStreamTracerFactories());
    Backend chosen = attempt == null ? null : attempt.backend();
    if (chosen != null && chosen.isReady()) {
      return chosen.pick();
    }
    String subset = attempt == null ? null : attempt.subset();
    List<Backend> members = members(subset, connected);
    if (members.isEmpty()) {
      // Another picker follows once they are connected or have failed.
      if (!members(subset, connecting).isEmpty()) {
        return PickResult.withNoResult();
      }
      return PickResult.withError(
          Status.UNAVAILABLE.withDescription("no backend of subset " + subset + " is connected"));
    }
    return members.get(Math.floorMod(turn.getAndIncrement(), members.size())).pick();
  }

  private List<Backend> members(@Nullable String subset, List<Backend> of) {
    return subset == null || backends == null ? of : backends.members(subset, of);
  }

  /** The tracer of the attempt has both: an option of its own would copy all options once more. */
  private static @Nullable SendTracer attempt(List<ClientStreamTracer.Factory> tracers) {
    for (int i = tracers.size() - 1; i >= 0; i--) {
      if (tracers.get(i) instanceof SendTracer tracer) {
        return tracer;
      }
    }
    return null;
  }
}
