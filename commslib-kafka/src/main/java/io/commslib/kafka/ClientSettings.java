package io.commslib.kafka;

import io.commslib.core.messaging.SubscriptionConfig;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The settings of each Kafka client: the application's, then the library's own. */
final class ClientSettings {

  /**
   * Larger than the largest configurable body with key and headers: the limit of a publish is
   * checked separately, and a larger record from a foreign producer must still fit into a dead
   * letter.
   */
  static final int MAX_RECORD_BYTES = 65 * 1024 * 1024;

  /** The client's default. */
  private static final int BUFFER_BYTES = 32 * 1024 * 1024;

  /**
   * Of a full batch; a batch is sent earlier if it waits no longer. The client's default of 16 KiB
   * holds a dozen records of 1 KiB, and a broker takes a third more processor time for them.
   */
  static final int BATCH_BYTES = 128 * 1024;

  /** The longest time that the client waits for a topic on the publishing thread. */
  private static final Duration BLOCK_LIMIT = Duration.ofSeconds(2);

  private static final int MAX_POLL_RECORDS = 500;

  /** What the client accepts in the id of a static member is as in the name of a topic. */
  private static final Pattern NO_TOPIC_CHARACTER = Pattern.compile("[^A-Za-z0-9._-]");

  private static final int MAX_INSTANCE_CHARS = 249;

  private ClientSettings() {}

  static Map<String, Object> admin(KafkaTransportConfig config) {
    Map<String, Object> settings = new HashMap<>(config.clientSettings());
    settings.put("bootstrap.servers", config.bootstrapServers());
    int timeout = (int) config.operationTimeout().toMillis();
    settings.put("default.api.timeout.ms", timeout);
    settings.put("request.timeout.ms", Math.max(1_000, timeout / 2));
    settings.put("reconnect.backoff.max.ms", 500);
    return settings;
  }

  static Map<String, Object> producer(KafkaTransportConfig config) {
    Map<String, Object> settings = new HashMap<>(config.clientSettings());
    int timeout = (int) config.publishTimeout().toMillis();
    settings.put("bootstrap.servers", config.bootstrapServers());
    settings.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
    settings.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
    settings.put(ProducerConfig.ACKS_CONFIG, "all");
    settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
    settings.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, config.compression().setting());
    // With the client's default of 5 ms, a publisher that waits for each confirmation, as the
    // outbox does for each key, waits five times as long. The throughput is the same with either.
    settings.put(ProducerConfig.LINGER_MS_CONFIG, 1);
    settings.putIfAbsent(ProducerConfig.BATCH_SIZE_CONFIG, BATCH_BYTES);
    settings.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, timeout);
    settings.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, Math.max(500, timeout / 3));
    settings.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, timeout / bufferWaitRounds(config));
    settings.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, MAX_RECORD_BYTES);
    // The client refuses a record that is larger than its buffer.
    settings.putIfAbsent(
        ProducerConfig.BUFFER_MEMORY_CONFIG,
        (long)
            Math.max(
                BUFFER_BYTES, RecordSizes.groupTopic(RecordSizes.topic(config.maxMessageBytes()))));
    settings.put(ProducerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 500);
    return settings;
  }

  /**
   * The number of times that a publish waits for capacity in the producer's buffer. The client has
   * one limit for this wait and for the wait for an unknown topic. The wait for a topic must be
   * short, the wait for capacity may last for the publish timeout.
   */
  static int bufferWaitRounds(KafkaTransportConfig config) {
    long limit = BLOCK_LIMIT.toMillis();
    return (int) ((config.publishTimeout().toMillis() + limit - 1) / limit);
  }

  static Map<String, Object> consumer(KafkaTransportConfig config) {
    Map<String, Object> settings = new HashMap<>(config.clientSettings());
    settings.put("bootstrap.servers", config.bootstrapServers());
    settings.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
    settings.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
    settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    settings.put(ConsumerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 500);
    settings.put(
        ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) config.operationTimeout().toMillis());
    return settings;
  }

  /**
   * The maximum number of records of a poll. The client decompresses all of them, and small batches
   * can contain large bodies: even if each body has the maximum size, a poll stays within the limit
   * of bytes in flight.
   */
  static int pollRecords(SubscriptionConfig subscription, int maxMessageBytes) {
    long byBytes = subscription.maxInFlightBytes() / maxMessageBytes;
    int most = Math.min(MAX_POLL_RECORDS, subscription.maxInFlight());
    return (int) Math.max(1, Math.min(most, byBytes));
  }

  static Map<String, Object> groupConsumer(
      KafkaTransportConfig config, SubscriptionConfig subscription, String groupId) {
    Map<String, Object> settings = consumer(config);
    settings.put(ConsumerConfig.GROUP_ID_CONFIG, groupId);
    settings.put(
        ConsumerConfig.GROUP_PROTOCOL_CONFIG,
        config.groupProtocol().name().toLowerCase(Locale.ROOT));
    if (config.groupProtocol() == GroupProtocol.CLASSIC) {
      classic(settings, config);
    } else {
      // Assigns each topic separately: "uniform" may assign all partitions of the source to one
      // member and all of the redrive topic to another.
      settings.put(ConsumerConfig.GROUP_REMOTE_ASSIGNOR_CONFIG, "range");
    }
    settings.put(
        ConsumerConfig.MAX_POLL_RECORDS_CONFIG,
        pollRecords(subscription, config.maxMessageBytes()));
    // StartPositions decides where a new group starts. The client uses this setting only for a
    // position that the log no longer contains: continuing at the end would skip records.
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    config
        .memberId()
        .ifPresent(
            id -> settings.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, instance(groupId, id)));
    return settings;
  }

  /**
   * The id of a static member. It is unique within a group, so it needs the group's name only for
   * the eyes of an operator; the client accepts fewer characters than in the name of a group.
   */
  private static String instance(String groupId, String memberId) {
    String id = NO_TOPIC_CHARACTER.matcher(groupId).replaceAll("_") + "." + memberId;
    return id.length() <= MAX_INSTANCE_CHARS ? id : memberId;
  }

  /** Settings that the newer protocol rejects, since the broker decides them. */
  private static void classic(Map<String, Object> settings, KafkaTransportConfig config) {
    int session = (int) config.sessionTimeout().toMillis();
    settings.put(
        ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG,
        CooperativeStickyAssignor.class.getName());
    settings.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, session);
    settings.putIfAbsent(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, session / 4);
  }
}
