package io.commslib.grpc;

import io.grpc.ConnectivityState;
import io.grpc.EquivalentAddressGroup;
import io.grpc.LoadBalancer.PickResult;
import io.grpc.LoadBalancer.Subchannel;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One instance behind a channel, as the engine chooses it and the balancer reaches it. Only the
 * balancer changes it. Its connection may be replaced; to the engine it stays the same.
 */
final class Backend {

  private final EquivalentAddressGroup addresses;

  /** With the attributes of the name resolver, for each connection. */
  private final EquivalentAddressGroup resolved;

  /** Has the current connection. */
  private volatile @Nullable PickResult pick;

  private volatile ConnectivityState state = ConnectivityState.IDLE;
  private @Nullable Subchannel successor;
  private ConnectivityState successorState = ConnectivityState.IDLE;

  Backend(EquivalentAddressGroup addresses, EquivalentAddressGroup resolved) {
    this.addresses = addresses;
    this.resolved = resolved;
  }

  EquivalentAddressGroup addresses() {
    return addresses;
  }

  EquivalentAddressGroup resolved() {
    return resolved;
  }

  Subchannel subchannel() {
    return Objects.requireNonNull(pick().getSubchannel(), "subchannel");
  }

  /** What sends an attempt to it, the same one for all attempts over one connection. */
  PickResult pick() {
    return Objects.requireNonNull(pick, "pick");
  }

  void subchannel(Subchannel first) {
    pick = PickResult.withSubchannel(first);
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

  /** The connection that is to take the place of the current one, or null. */
  @Nullable Subchannel successor() {
    return successor;
  }

  /** Sets the next connection; one that was about to succeed is dropped. */
  void successor(Subchannel next) {
    dropSuccessor();
    successor = next;
    successorState = ConnectivityState.IDLE;
  }

  void successorState(ConnectivityState next) {
    successorState = next;
  }

  /** The next connection takes the place; that of before ends with its last call. */
  void succeed() {
    Subchannel before = subchannel();
    pick = PickResult.withSubchannel(Objects.requireNonNull(successor, "successor"));
    successor = null;
    if (isReady()) {
      state = successorState;
    }
    before.shutdown();
  }

  private void dropSuccessor() {
    if (successor != null) {
      successor.shutdown();
      successor = null;
    }
  }

  void shutdown() {
    state = ConnectivityState.SHUTDOWN;
    dropSuccessor();
    subchannel().shutdown();
  }

  /** {@return the addresses, for log lines} */
  @Override
  public String toString() {
    return addresses.getAddresses().toString();
  }
}
