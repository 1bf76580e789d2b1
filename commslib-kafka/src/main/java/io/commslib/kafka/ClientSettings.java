package io.commslib.kafka;

import io.commslib.core.messaging.SubscriptionConfig;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The settings of each Kafka client: the user's, then the library's own. */
final class ClientSettings {

  /**
   * Beyond the largest body there can be: what may be published is checked before, and what came in
   * larger from elsewhere must still fit into a dead letter.
   */
  static final int MAX_RECORD_BYTES = 65 * 1024 * 1024;

  /** The longest time that the client waits for a topic on the thread that publishes. */
  private static final Duration BLOCK_LIMIT = Duration.ofSeconds(2);

  private static final int MAX_POLL_RECORDS = 500;

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
    settings.putIfAbsent(ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
    // The client's own 5 ms keep whoever waits for a confirmation, as the outbox does with each
    // key, five times as long; publishing without a pause is as fast with either.
    settings.put(ProducerConfig.LINGER_MS_CONFIG, 1);
    settings.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, timeout);
    settings.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, Math.max(500, timeout / 3));
    settings.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, timeout / bufferWaitRounds(config));
    settings.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, MAX_RECORD_BYTES);
    settings.put(ProducerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 500);
    return settings;
  }

  /**
   * The number of times that a publish waits for room in the producer's buffer. The client has one
   * limit for this and for a topic that it does not find: a topic is not worth the publish timeout,
   * and room is.
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
   * The client unpacks as many records as a poll returns, and small batches can hold large bodies:
   * even if each is as large as may be, a poll stays within the bound for bytes in flight.
   */
  static int pollRecords(SubscriptionConfig subscription, int maxMessageBytes) {
    long byBytes = subscription.maxInFlightBytes() / maxMessageBytes;
    int most = Math.min(MAX_POLL_RECORDS, subscription.maxInFlight());
    return (int) Math.max(1, Math.min(most, byBytes));
  }

  static Map<String, Object> groupConsumer(
      KafkaTransportConfig config, SubscriptionConfig subscription) {
    Map<String, Object> settings = consumer(config);
    String groupId = KafkaNames.groupId(subscription.destination(), subscription.group());
    settings.put(ConsumerConfig.GROUP_ID_CONFIG, groupId);
    settings.put(
        ConsumerConfig.GROUP_PROTOCOL_CONFIG,
        config.groupProtocol().name().toLowerCase(Locale.ROOT));
    if (config.groupProtocol() == GroupProtocol.CLASSIC) {
      classic(settings, config);
    } else {
      // Shares out each topic by itself: "uniform" may give one member all of the source and
      // another all of what is redriven.
      settings.put(ConsumerConfig.GROUP_REMOTE_ASSIGNOR_CONFIG, "range");
    }
    settings.put(
        ConsumerConfig.MAX_POLL_RECORDS_CONFIG,
        pollRecords(subscription, config.maxMessageBytes()));
    // Where a new group starts is decided in StartPositions. What is left for the client is a
    // position that the log does not have any more: to go on at the end would skip what is there.
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    config
        .memberId()
        .ifPresent(id -> settings.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, groupId + "." + id));
    return settings;
  }

  /** What the newer protocol takes from the broker, and refuses from a client. */
  private static void classic(Map<String, Object> settings, KafkaTransportConfig config) {
    int session = (int) config.sessionTimeout().toMillis();
    settings.put(
        ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG,
        CooperativeStickyAssignor.class.getName());
    settings.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, session);
    settings.putIfAbsent(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, session / 4);
  }
}
