package io.commslib.examples.shop;

import io.commslib.examples.shop.cli.ShopCommand;

/** {@code examples/run shop}. */
public final class ShopMain {

  private ShopMain() {}

  public static void main(String[] arguments) {
    System.exit(ShopCommand.run(System.out, System.err, arguments));
  }
}
