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
  private final @Nullable Backends backends;
  private final AtomicInteger turn = new AtomicInteger();

  /**
   * Creates a picker.
   *
   * @param backends knows the members of subsets; null if there are none
   */
  BackendPicker(List<Backend> connected, @Nullable Backends backends) {
    this.connected = connected;
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
    List<Backend> members =
        subset == null || backends == null ? connected : backends.members(subset, connected);
    if (members.isEmpty()) {
      return PickResult.withError(
          Status.UNAVAILABLE.withDescription("no backend of subset " + subset + " is connected"));
    }
    return members.get(Math.floorMod(turn.getAndIncrement(), members.size())).pick();
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
