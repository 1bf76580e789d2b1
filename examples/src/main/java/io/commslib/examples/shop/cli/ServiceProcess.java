package io.commslib.examples.shop.cli;

/**
 * {@code --service NAME}: one service in this process, until its input ends or it is terminated.
 */
final class ServiceProcess {

  private ServiceProcess() {}

  static int run(ShopOptions options) {
    throw new UsageException("--service: " + options.service().orElseThrow());
  }
}
