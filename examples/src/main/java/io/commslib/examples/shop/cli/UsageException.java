package io.commslib.examples.shop.cli;

/**
 * The command line can't be executed; the message names the reason and the remedy. Leads to exit
 * code 2.
 */
public final class UsageException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  public UsageException(String message) {
    super(message);
  }
}
