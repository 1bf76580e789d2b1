package io.commslib.testkit.servers;

import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** The control of a server that callers must not kill: a shared or a remote one. */
final class ProtectedControl implements ServerControl {

  private final String reason;
  private final BooleanSupplier running;
  private final Supplier<Set<Long>> pids;

  private ProtectedControl(String reason, BooleanSupplier running, Supplier<Set<Long>> pids) {
    this.reason = reason;
    this.running = running;
    this.pids = pids;
  }

  static ServerControl shared(ServerControl owner) {
    return new ProtectedControl(
        "the server is shared by the whole JVM (start one of your own to kill it)",
        owner::isRunning,
        owner::pids);
  }

  static ServerControl remote(String variable) {
    return new ProtectedControl(
        "the server was named by " + variable + " (start one of your own to kill it)",
        () -> true,
        Set::of);
  }

  @Override
  public void kill() {
    throw new IllegalStateException(reason);
  }

  @Override
  public void restart() {
    throw new IllegalStateException(reason);
  }

  @Override
  public void pause() {
    throw new IllegalStateException(reason);
  }

  @Override
  public void resume() {
    throw new IllegalStateException(reason);
  }

  @Override
  public boolean isRunning() {
    return running.getAsBoolean();
  }

  @Override
  public Set<Long> pids() {
    return pids.get();
  }

  @Override
  public void close() {}
}
