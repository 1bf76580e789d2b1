package io.commslib.service;

import io.commslib.core.messaging.MessageTransport;

/** Makes a service's transport from what all its parts share. Users implement it. */
@FunctionalInterface
public interface TransportFactory {

  /**
   * Makes the transport. Called once, while the service is built, on the thread that builds it.
   *
   * @param settings name, runtime and observer of the service
   * @return new transport; the service closes it
   */
  MessageTransport create(ServiceSettings settings);
}
