package io.commslib.rabbit;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The time after which the broker closes a channel that has an unacknowledged delivery. AMQP 0-9-1
 * can't read it: it is that of the queue's argument, else what the broker has stated when it closed
 * a channel, else the default of RabbitMQ. Thread-safe.
 */
final class ConsumerTimeout {

  static final String ARGUMENT = "x-consumer-timeout";

  private static final Duration DEFAULT = Duration.ofMinutes(30);

  /** The broker's text since 3.8.17. */
  private static final Pattern STATED = Pattern.compile("[Tt]imeout value used: (\\d{1,15}) ms");

  private static final long MIN_CHECK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private volatile long nanos = DEFAULT.toNanos();

  /**
   * Creates it.
   *
   * @param arguments with which the queue is declared
   */
  ConsumerTimeout(Map<String, Object> arguments) {
    if (arguments.get(ARGUMENT) instanceof Number millis && millis.longValue() > 0) {
      nanos = TimeUnit.MILLISECONDS.toNanos(millis.longValue());
    }
  }

  /** Remembers the time if the broker's text states it. */
  void learn(String brokerText) {
    Matcher stated = STATED.matcher(brokerText);
    if (stated.find()) {
      long millis = Math.max(1, Long.parseLong(stated.group(1)));
      nanos = TimeUnit.MILLISECONDS.toNanos(millis);
    }
  }

  Duration value() {
    return Duration.ofNanos(nanos);
  }

  /** {@return whether a delivery of this age is to be returned} */
  boolean isNear(long ageNanos) {
    return ageNanos >= nanos - nanos / 6;
  }

  /** {@return the time that running handlers still have if a delivery has this age} */
  Duration left(long ageNanos) {
    return Duration.ofNanos(Math.max(0, nanos - nanos / 60 - ageNanos));
  }

  /** {@return the time between two checks of the age} */
  Duration checkInterval() {
    return Duration.ofNanos(Math.max(MIN_CHECK_NANOS, nanos / 12));
  }

  /** {@return by how much an age may be overstated} */
  long periodNanos() {
    return nanos / 60;
  }
}
