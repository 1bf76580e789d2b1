package io.commslib.service;

import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;

/** What all parts of a service share. Immutable. */
public final class ServiceSettings {

  private final String source;
  private final CommsRuntime runtime;
  private final CommsObserver observer;

  ServiceSettings(String source, CommsRuntime runtime, CommsObserver observer) {
    this.source = source;
    this.runtime = runtime;
    this.observer = observer;
  }

  /**
   * Returns the source of the service's messages.
   *
   * @return the name of the service
   */
  public String source() {
    return source;
  }

  /**
   * Returns time, randomness and threads of the service.
   *
   * @return the runtime
   */
  public CommsRuntime runtime() {
    return runtime;
  }

  /**
   * Returns the observer of the service's parts.
   *
   * @return the observer
   */
  public CommsObserver observer() {
    return observer;
  }
}
