package io.commslib.examples.shop.cli;

/** Runs the four services, in this process or in processes of their own. */
interface ServiceHost extends AutoCloseable {

  /** Starts all services and returns when they take work. */
  void start();

  /** Ends a service without any leave and starts it again. */
  void crash(String service);

  /** Drains and ends all services. */
  @Override
  void close();
}
