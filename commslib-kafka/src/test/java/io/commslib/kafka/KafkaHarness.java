package io.commslib.kafka;

import io.commslib.core.codec.Codec;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.jackson.JacksonCodec;
import io.commslib.testkit.contract.BadInputHarness;
import io.commslib.testkit.contract.RawRecord;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/** A transport on a real Kafka for a contract, and a foreign producer. */
final class KafkaHarness implements BadInputHarness {

  private final String servers;
  private final KafkaTransport transport;
  private final @Nullable BoundTopics bound;
  private @Nullable KafkaProducer<byte[], byte[]> foreign;

  KafkaHarness(String servers, CommsObserver observer) {
    this(servers, observer, GroupProtocol.CLASSIC);
  }

  /** Creates a harness with short client timeouts, since each rule creates and closes consumers. */
  KafkaHarness(String servers, CommsObserver observer, GroupProtocol protocol) {
    this(servers, observer, protocol, null);
  }

  /** Creates a harness on topics with names of their own, which an operator creates. */
  static KafkaHarness onExistingTopics(String servers, Admin admin, CommsObserver observer) {
    return new KafkaHarness(servers, observer, GroupProtocol.CLASSIC, new BoundTopics(admin));
  }

  private KafkaHarness(
      String servers, CommsObserver observer, GroupProtocol protocol, @Nullable BoundTopics bound) {
    this.servers = servers;
    this.bound = bound;
    KafkaTransportConfig.Builder config =
        KafkaTransportConfig.builder(servers)
            .observer(observer)
            .groupProtocol(protocol)
            .clientSetting("fetch.max.wait.ms", 50);
    if (protocol == GroupProtocol.CLASSIC) {
      config.clientSetting("heartbeat.interval.ms", 300);
    }
    if (bound != null) {
      config.bindAll(bound::of);
    }
    this.transport = KafkaTransport.create(config.build());
  }

  @Override
  public MessageTransport transport() {
    return bound == null ? transport : bound.serve(transport);
  }

  @Override
  public void publishForeign(Destination to, String key, byte[] body) throws Exception {
    publishRecord(to, RawRecord.of(key.getBytes(StandardCharsets.UTF_8), body));
  }

  @Override
  public void publishRecord(Destination to, RawRecord record) throws Exception {
    KafkaBinding binding = bound == null ? null : bound.of(to);
    String topic = binding == null ? KafkaNames.topic(to) : binding.topicName();
    ProducerRecord<byte[], byte[]> raw = new ProducerRecord<>(topic, record.key(), record.body());
    record.headers().forEach(header -> raw.headers().add(header.name(), header.value()));
    foreign().send(raw).get();
  }

  private KafkaProducer<byte[], byte[]> foreign() {
    if (foreign == null) {
      foreign =
          new KafkaProducer<>(
              Map.of(
                  "bootstrap.servers",
                  servers,
                  ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
                  2_000_000,
                  // The broker's limit applies to the compressed batch.
                  ProducerConfig.COMPRESSION_TYPE_CONFIG,
                  "lz4"),
              new ByteArraySerializer(),
              new ByteArraySerializer());
    }
    return foreign;
  }

  @Override
  public String attributePrefix() {
    return CloudEventsEnvelope.KAFKA_PREFIX;
  }

  @Override
  public Codec jsonCodec() {
    return JacksonCodec.create();
  }

  @Override
  public int maxMessageBytes() {
    return 1024 * 1024;
  }

  @Override
  public Duration quiet() {
    return Duration.ofMillis(500);
  }

  @Override
  public void close() {
    if (foreign != null) {
      foreign.close();
    }
    transport.close();
  }
}
