package io.commslib.service;

import io.commslib.core.messaging.MessageTransport;

/**
 * Creates a service's transport with the settings that all its components share. Users implement
 * it.
 */
@FunctionalInterface
public interface TransportFactory {

  /**
   * Creates the transport. Called once, while the service is built, on the building thread.
   *
   * @param settings name, runtime and observer of the service
   * @return new transport; the service closes it
   */
  MessageTransport create(ServiceSettings settings);
}
