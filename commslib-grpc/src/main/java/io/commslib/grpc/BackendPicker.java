package io.commslib.grpc;

import io.grpc.ClientStreamTracer;
import io.grpc.LoadBalancer.PickResult;
import io.grpc.LoadBalancer.PickSubchannelArgs;
import io.grpc.LoadBalancer.SubchannelPicker;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Sends an attempt to the backend that the engine has chosen. Attempts without a choice, and those
 * whose backend has gone meanwhile, take turns over the connected ones.
 */
final class BackendPicker extends SubchannelPicker {

  private final List<Backend> connected;
  private final AtomicInteger turn = new AtomicInteger();

  BackendPicker(List<Backend> connected) {
    this.connected = connected;
  }

  @Override
  public PickResult pickSubchannel(PickSubchannelArgs args) {
    Backend chosen = chosen(args.getCallOptions().getStreamTracerFactories());
    if (chosen == null || !chosen.isReady()) {
      chosen = connected.get(Math.floorMod(turn.getAndIncrement(), connected.size()));
    }
    return chosen.pick();
  }

  /** The tracer of the attempt has it: an option of its own would copy all options once more. */
  private static @Nullable Backend chosen(List<ClientStreamTracer.Factory> tracers) {
    for (int i = tracers.size() - 1; i >= 0; i--) {
      if (tracers.get(i) instanceof SendTracer tracer) {
        return tracer.backend();
      }
    }
    return null;
  }
}
