package io.commslib.kafka;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.common.config.TopicConfig;

/**
 * The settings of an existing topic that matter to the library.
 *
 * @param maxMessageBytes the largest batch that the broker accepts
 * @param cleanupPolicy whether records are deleted by age, replaced by later ones of their key, or
 *     both
 * @param timestampType by whose clock a record has its timestamp; empty if unknown
 * @param retentionMillis the age at which records are deleted; -1 for never
 * @param retentionBytes the size from which on the oldest records are deleted; -1 for never
 */
record TopicSettings(
    int maxMessageBytes,
    String cleanupPolicy,
    String timestampType,
    long retentionMillis,
    long retentionBytes) {

  static final String LOG_APPEND_TIME = "LogAppendTime";

  static TopicSettings of(Config config) {
    Map<String, String> values =
        config.entries().stream()
            .filter(entry -> entry.value() != null)
            .collect(Collectors.toMap(entry -> entry.name(), entry -> entry.value()));
    return new TopicSettings(
        (int) number(values, TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.MAX_VALUE),
        values.getOrDefault(TopicConfig.CLEANUP_POLICY_CONFIG, ""),
        values.getOrDefault(TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG, ""),
        number(values, TopicConfig.RETENTION_MS_CONFIG, -1),
        number(values, TopicConfig.RETENTION_BYTES_CONFIG, -1));
  }

  private static long number(Map<String, String> values, String name, long fallback) {
    String text = values.get(name);
    return text == null ? fallback : Long.parseLong(text);
  }

  /** The reason why records of the topic are deleted; empty if they stay. */
  Optional<String> expiry() {
    if (cleanupPolicy.equals(TopicConfig.CLEANUP_POLICY_COMPACT)
        || (retentionMillis < 0 && retentionBytes < 0)) {
      return Optional.empty();
    }
    return Optional.of(
        retentionMillis >= 0
            ? "records are deleted after " + Duration.ofMillis(retentionMillis)
            : "records beyond " + retentionBytes + " bytes are deleted");
  }

  /** Why a topic of waiting messages would lose some; empty if it keeps them. */
  Optional<String> lossOfRedriven() {
    return cleanupPolicy.contains(TopicConfig.CLEANUP_POLICY_COMPACT)
        ? Optional.of(
            "cleanup.policy: "
                + cleanupPolicy
                + " (expected: delete, since a later record of a key replaces a waiting one)")
        : Optional.empty();
  }

  /**
   * Why a topic of deferred messages would lose some or delay them wrongly; empty if it does not.
   */
  Optional<String> lossOfDeferred(Duration delay) {
    if (lossOfRedriven().isPresent()) {
      return lossOfRedriven();
    }
    if (!timestampType.isEmpty() && !timestampType.equals(LOG_APPEND_TIME)) {
      return Optional.of(
          "message.timestamp.type: " + timestampType + " (expected: " + LOG_APPEND_TIME + ")");
    }
    return retentionMillis >= 0 && retentionMillis < delay.toMillis()
        ? Optional.of(
            "retention.ms: "
                + retentionMillis
                + " (expected: "
                + delay.toMillis()
                + " or more, the delay)")
        : Optional.empty();
  }
}
