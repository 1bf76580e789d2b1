package io.commslib.grpc;

import io.grpc.CallOptions;
import io.grpc.ConnectivityState;
import io.grpc.EquivalentAddressGroup;
import io.grpc.LoadBalancer.Subchannel;

/** One instance behind a channel, as the engine chooses it and the balancer reaches it. */
final class Backend {

  /** The choice of the engine for an attempt. */
  static final CallOptions.Key<Backend> CHOSEN = CallOptions.Key.create("commslib-backend");

  private final EquivalentAddressGroup addresses;
  private final Subchannel subchannel;
  private volatile ConnectivityState state = ConnectivityState.IDLE;

  Backend(EquivalentAddressGroup addresses, Subchannel subchannel) {
    this.addresses = addresses;
    this.subchannel = subchannel;
  }

  EquivalentAddressGroup addresses() {
    return addresses;
  }

  Subchannel subchannel() {
    return subchannel;
  }

  ConnectivityState state() {
    return state;
  }

  void state(ConnectivityState next) {
    state = next;
  }

  boolean isReady() {
    return state == ConnectivityState.READY;
  }

  /** {@return the addresses, for log lines} */
  @Override
  public String toString() {
    return addresses.getAddresses().toString();
  }
}
