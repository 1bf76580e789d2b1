package io.commslib.core.messaging;

import io.commslib.core.time.TimeSource;
import java.security.SecureRandom;
import java.util.UUID;
import java.util.random.RandomGenerator;

/**
 * Makes message ids: UUID version 7 (RFC 9562), 48 bits of Unix milliseconds followed by random
 * bits. Thread-safe.
 *
 * <p>Ids are unique, not ordered: nothing in the library sorts by them.
 */
public final class MessageIds {

  private static final SecureRandom RANDOM = new SecureRandom();

  private MessageIds() {}

  /**
   * Returns a new id from the system clock and secure random bits.
   *
   * @return 36 characters
   */
  public static String next() {
    return uuid(System.currentTimeMillis(), RANDOM.nextLong(), RANDOM.nextLong());
  }

  /**
   * Returns a new id from given sources, for reproducible runs.
   *
   * @param time clock of the time part
   * @param random source of the random bits
   * @return 36 characters
   */
  public static String next(TimeSource time, RandomGenerator random) {
    return uuid(time.now().toEpochMilli(), random.nextLong(), random.nextLong());
  }

  private static String uuid(long millis, long high, long low) {
    long most = (millis << 16) | 0x7000L | (high & 0x0fffL);
    long least = (low & 0x3fff_ffff_ffff_ffffL) | 0x8000_0000_0000_0000L;
    return new UUID(most, least).toString();
  }
}
