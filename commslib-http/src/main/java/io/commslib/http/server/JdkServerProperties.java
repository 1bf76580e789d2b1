package io.commslib.http.server;

import java.time.Duration;

/**
 * The properties that the JDK's server reads when its first instance is created, and for which it
 * has no other setting.
 */
final class JdkServerProperties {

  /** Without it, Java 17 takes 40 ms for each answer: head and body are two small packets. */
  static final String NO_DELAY = "sun.net.httpserver.nodelay";

  /** Without it, a caller that sends no whole head keeps a thread forever. In seconds. */
  static final String MAX_REQUEST_TIME = "sun.net.httpserver.maxReqTime";

  private static final long MIN_REQUEST_SECONDS = 120;

  private JdkServerProperties() {}

  static void set(Duration maxTimeout) {
    setIfAbsent(NO_DELAY, "true");
    // It also ends a request whose handler still runs, so it must exceed all deadlines.
    long seconds = Math.max(MIN_REQUEST_SECONDS, maxTimeout.toSeconds() + 60);
    setIfAbsent(MAX_REQUEST_TIME, Long.toString(seconds));
  }

  private static void setIfAbsent(String name, String value) {
    if (System.getProperty(name) == null) {
      System.setProperty(name, value);
    }
  }
}
