package io.commslib.grpc;

import io.commslib.core.tls.TlsIdentity;
import io.grpc.ConnectivityState;
import io.grpc.LoadBalancer.Helper;
import io.grpc.LoadBalancer.Subchannel;
import java.util.Collection;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * Replaces the connection of each backend after a change of the identity. The next connection is
 * established before the one of before ends, so no call waits for it or fails. Called in the
 * synchronization context of the balancer, as all of its state.
 */
final class ConnectionRenewal {

  /** A connection of before takes calls no longer than this once the next one is tried. */
  static final long LIMIT_SECONDS = 30;

  /** Until sessions of before are not resumed, those of a handshake in progress included. */
  static final long DELAY_SECONDS = HandshakeTrustManager.SESSION_SECONDS + 1L;

  private final TlsIdentity identity;
  private final Helper helper;
  private final Collection<Backend> backends;
  private final Function<Backend, Subchannel> open;
  private final Runnable update;
  private final Runnable listener;
  private final AtomicInteger changes = new AtomicInteger();
  private boolean isOver;

  private ConnectionRenewal(
      TlsIdentity identity,
      Helper helper,
      Collection<Backend> backends,
      Function<Backend, Subchannel> open,
      Runnable update) {
    this.identity = identity;
    this.helper = helper;
    this.backends = backends;
    this.open = open;
    this.update = update;
    this.listener = this::identityChanged;
  }

  /** Listens from before the first connection, so that no change is missed. */
  static ConnectionRenewal begin(
      TlsIdentity identity,
      Helper helper,
      Collection<Backend> backends,
      Function<Backend, Subchannel> open,
      Runnable update) {
    ConnectionRenewal renewal = new ConnectionRenewal(identity, helper, backends, open, update);
    identity.addChangeListener(renewal.listener);
    return renewal;
  }

  /**
   * Only the last of several changes renews. Connections that follow each other at once resume a
   * session of before, and with it the certificate of before.
   */
  private void identityChanged() {
    int change = changes.incrementAndGet();
    after(
        DELAY_SECONDS,
        () -> {
          if (change == changes.get()) {
            renew();
          }
        });
  }

  private void after(long seconds, Runnable task) {
    helper
        .getSynchronizationContext()
        .schedule(task, seconds, TimeUnit.SECONDS, helper.getScheduledExecutorService());
  }

  private void renew() {
    if (isOver) {
      return;
    }
    for (Backend backend : backends) {
      Subchannel next = open.apply(backend);
      backend.successor(next);
      if (backend.isReady()) {
        after(LIMIT_SECONDS, () -> endOfWait(backend, next));
      } else {
        // It may be in a handshake with the certificate of before.
        backend.succeed();
      }
    }
    update.run();
  }

  private void endOfWait(Backend backend, Subchannel next) {
    if (backend.successor() == next) {
      backend.succeed();
      update.run();
    }
  }

  /**
   * Takes a change of one connection into account.
   *
   * @return whether another connection has taken the place
   */
  boolean changed(Backend backend, Subchannel of, ConnectivityState state) {
    Subchannel next = backend.successor();
    if (next == null) {
      return false;
    }
    if (of == next) {
      backend.successorState(state);
    }
    boolean isNextReady = of == next && state == ConnectivityState.READY;
    // Otherwise it would be connected anew.
    boolean isLost = of == backend.subchannel() && state != ConnectivityState.READY;
    if (isNextReady || isLost) {
      backend.succeed();
    }
    return isNextReady || isLost;
  }

  void end() {
    isOver = true;
    identity.removeChangeListener(listener);
  }
}
