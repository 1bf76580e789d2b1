package io.commslib.grpc;

import io.grpc.LoadBalancer.PickResult;
import io.grpc.LoadBalancer.PickSubchannelArgs;
import io.grpc.LoadBalancer.SubchannelPicker;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

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
    Backend chosen = args.getCallOptions().getOption(Backend.CHOSEN);
    if (chosen == null || !chosen.isReady()) {
      chosen = connected.get(Math.floorMod(turn.getAndIncrement(), connected.size()));
    }
    return PickResult.withSubchannel(chosen.subchannel());
  }
}
