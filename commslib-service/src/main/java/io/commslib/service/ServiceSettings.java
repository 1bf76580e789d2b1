package io.commslib.service;

import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;

/** Settings shared by all components of a service. Immutable. */
public final class ServiceSettings {

  private final String source;
  private final CommsRuntime runtime;
  private final CommsObserver observer;

  ServiceSettings(String source, CommsRuntime runtime, CommsObserver observer) {
    this.source = source;
    this.runtime = runtime;
    this.observer = observer;
  }

  /** {@return the source of the service's messages, which is its name} */
  public String source() {
    return source;
  }

  /** {@return the service's source of time, randomness and threads} */
  public CommsRuntime runtime() {
    return runtime;
  }

  /** {@return the observer of the service's components} */
  public CommsObserver observer() {
    return observer;
  }
}
