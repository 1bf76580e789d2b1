package io.commslib.examples.shop.cli;

/** Runs the four services, in this process or in separate processes. */
interface ServiceHost extends AutoCloseable {

  /** Starts all services and returns when they are ready. */
  void start();

  /** Ends a service without draining and restarts it. */
  void crash(String service);

  /** Drains and ends a service. */
  void stop(String service);

  /** Drains and ends all services. */
  @Override
  void close();
}
