package io.commslib.kafka;

import io.commslib.core.FailureKind;
import io.commslib.core.messaging.SubscribeException;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.KafkaConsumer;

/**
 * Rejects versions of kafka-clients that are known to lose or misplace records: with CVE-2026-35554
 * a batch that expired in flight could reach another topic with a successful callback. Fixed in
 * 3.9.2, 4.0.2 and 4.1.2. Also rejects versions that lack a required method.
 */
final class ClientVersion {

  private static final Pattern FORM = Pattern.compile("(\\d{1,4})\\.(\\d{1,4})\\.(\\d{1,4}).*");

  private static final String UNKNOWN = "unknown";

  private ClientVersion() {}

  /** The version of the kafka-clients on the class path, as its jar states it. */
  static String inUse() {
    Properties properties = new Properties();
    try (InputStream file =
        KafkaConsumer.class.getResourceAsStream("/kafka/kafka-version.properties")) {
      if (file != null) {
        properties.load(file);
      }
    } catch (IOException e) {
      // An unknown version is accepted: an application may have built its own.
      return UNKNOWN;
    }
    return properties.getProperty("version", UNKNOWN).strip();
  }

  /** Rejects the kafka-clients on the class path if they do not support what is required. */
  static void check(GroupProtocol protocol) {
    String version = inUse();
    check(version, protocol);
    checkApi(version, Consumer.class);
  }

  static void check(String version, GroupProtocol protocol) {
    Matcher parts = FORM.matcher(version);
    if (!parts.matches()) {
      return;
    }
    int major = number(parts, 1);
    if (!isSafe(major, number(parts, 2), number(parts, 3))) {
      throw rejected(version, "3.9.2, 4.0.2, 4.1.2 or newer; older ones can lose records");
    }
    if (major < 4 && protocol == GroupProtocol.CONSUMER) {
      throw rejected(version, "4.0.2 or newer for groupProtocol CONSUMER, a preview before");
    }
  }

  /**
   * Checks for a variant of close that is deprecated in newer versions. It is called at the end of
   * the poll thread, where its absence would be detected too late.
   */
  static void checkApi(String version, Class<?> consumer) {
    try {
      consumer.getMethod("close", Duration.class);
    } catch (NoSuchMethodException e) {
      throw rejected(version, "one that has Consumer.close(Duration)");
    }
  }

  private static SubscribeException rejected(String version, String rule) {
    return new SubscribeException(
        "COMMS-KAFKA-011",
        FailureKind.PERMANENT,
        "kafka-clients: " + version + " (expected: " + rule + ")",
        null);
  }

  private static int number(Matcher parts, int group) {
    return Integer.parseInt(parts.group(group));
  }

  private static boolean isSafe(int major, int minor, int patch) {
    if (major > 4 || (major == 4 && minor > 1)) {
      return true;
    }
    boolean fixedLine = major == 4 || (major == 3 && minor == 9);
    return fixedLine && patch >= 2;
  }
}
