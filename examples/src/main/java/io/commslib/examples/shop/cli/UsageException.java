package io.commslib.examples.shop.cli;

/**
 * What the user asked for can't be done; the message says what and what to do. Ends with exit code
 * 2.
 */
public final class UsageException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  public UsageException(String message) {
    super(message);
  }
}
