package io.commslib.core.call;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How much the result of a call matters to its caller. A server whose limiter is nearly used up
 * refuses the least critical calls first. The words are those of B. Beyer et al., "Site Reliability
 * Engineering", 2016, chapter 21.
 *
 * <p>It travels as the entry {@value #BAGGAGE_NAME} of the baggage, so that all calls within the
 * work have it too, and other stacks can read and set it. Like all baggage it does not go with
 * messages. A service that takes calls of strangers must set it itself: they may claim what they
 * like.
 */
public enum Criticality {
  /** A user waits for it. What states no criticality, or none that is known, has this one. */
  CRITICAL,
  /** It may fail at times, such as work in batches that is repeated later. */
  SHEDDABLE_PLUS,
  /** It may fail often, such as a report or a refill of a cache. */
  SHEDDABLE;

  /** The name of its entry in the baggage. */
  public static final String BAGGAGE_NAME = "criticality";

  /**
   * Returns the criticality of a name, in any case.
   *
   * @param name the name, or null
   * @return the criticality, {@link #CRITICAL} if the name is null or not known
   */
  public static Criticality of(@Nullable String name) {
    if (name != null) {
      String known = name.toUpperCase(Locale.ROOT);
      for (Criticality each : values()) {
        if (each.name().equals(known)) {
          return each;
        }
      }
    }
    return CRITICAL;
  }

  /**
   * Returns the part of a limit up to which calls are admitted.
   *
   * @param limit the number of calls that a server works on at the same time
   * @return all of it, three quarters or half of it, rounded up
   */
  public int partOf(int limit) {
    return switch (this) {
      case CRITICAL -> limit;
      case SHEDDABLE_PLUS -> limit - limit / 4;
      case SHEDDABLE -> limit - limit / 2;
    };
  }
}
