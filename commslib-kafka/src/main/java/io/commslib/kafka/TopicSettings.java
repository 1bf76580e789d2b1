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
 * @param isCompacted whether records without a later record of the same key stay
 * @param retentionMillis the age at which records are deleted; -1 for never
 * @param retentionBytes the size from which on the oldest records are deleted; -1 for never
 */
record TopicSettings(
    int maxMessageBytes, boolean isCompacted, long retentionMillis, long retentionBytes) {

  static TopicSettings of(Config config) {
    Map<String, String> values =
        config.entries().stream()
            .filter(entry -> entry.value() != null)
            .collect(Collectors.toMap(entry -> entry.name(), entry -> entry.value()));
    return new TopicSettings(
        (int) number(values, TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.MAX_VALUE),
        values
            .getOrDefault(TopicConfig.CLEANUP_POLICY_CONFIG, "")
            .equals(TopicConfig.CLEANUP_POLICY_COMPACT),
        number(values, TopicConfig.RETENTION_MS_CONFIG, -1),
        number(values, TopicConfig.RETENTION_BYTES_CONFIG, -1));
  }

  private static long number(Map<String, String> values, String name, long fallback) {
    String text = values.get(name);
    return text == null ? fallback : Long.parseLong(text);
  }

  /** The reason why records of the topic are deleted; empty if they stay. */
  Optional<String> expiry() {
    if (isCompacted || (retentionMillis < 0 && retentionBytes < 0)) {
      return Optional.empty();
    }
    return Optional.of(
        retentionMillis >= 0
            ? "records are deleted after " + Duration.ofMillis(retentionMillis)
            : "records beyond " + retentionBytes + " bytes are deleted");
  }
}
