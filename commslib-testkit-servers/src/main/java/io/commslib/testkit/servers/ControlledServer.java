package io.commslib.testkit.servers;

import java.util.Set;

/** The base of the public server types: delegates all control to a {@link ServerControl}. */
abstract class ControlledServer implements TestServer {

  private final ServerControl control;

  ControlledServer(ServerControl control) {
    this.control = control;
  }

  final ServerControl control() {
    return control;
  }

  @Override
  public final void kill() {
    control.kill();
  }

  @Override
  public final void restart() {
    control.restart();
  }

  @Override
  public final void pause() {
    control.pause();
  }

  @Override
  public final void resume() {
    control.resume();
  }

  @Override
  public final boolean isRunning() {
    return control.isRunning();
  }

  @Override
  public final Set<Long> pids() {
    return control.pids();
  }

  @Override
  public final void close() {
    control.close();
  }
}
