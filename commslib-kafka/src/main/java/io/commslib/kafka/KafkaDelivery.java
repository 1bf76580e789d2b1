package io.commslib.kafka;

import io.commslib.core.engine.RawDelivery;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.OrderingKeys;
import io.commslib.core.messaging.RecordHeader;
import io.commslib.core.messaging.RecordOrigin;
import io.commslib.core.messaging.RecordPosition;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/** A record of a partition as a delivery to the engine. */
final class KafkaDelivery implements RawDelivery, RecordOrigin {

  private final PartitionLedger ledger;
  private final ConsumerRecord<byte[], ByteBuffer> record;
  private final ReadingRules rules;
  private final @Nullable String laneKey;
  private @Nullable ForeignRecord wire;

  KafkaDelivery(
      PartitionLedger ledger, ConsumerRecord<byte[], ByteBuffer> record, ReadingRules rules) {
    this.ledger = ledger;
    this.record = record;
    this.rules = rules;
    this.laneKey = rules.laneKey(this, record.key());
  }

  PartitionLedger ledger() {
    return ledger;
  }

  long offset() {
    return record.offset();
  }

  void finished() {
    ledger.finished(record.offset());
  }

  @Override
  public Object scope() {
    return ledger;
  }

  @Override
  public Optional<String> laneKey() {
    return Optional.ofNullable(laneKey);
  }

  @Override
  public int sizeBytes() {
    return Math.max(0, record.serializedKeySize())
        + Math.max(0, record.serializedValueSize())
        + 256;
  }

  @Override
  public int priorDeliveries() {
    return ledger.priorStarts(record.offset());
  }

  @Override
  public ForeignRecord wire() {
    ForeignRecord known = wire;
    if (known == null) {
      known = KafkaRecords.wire(record, keyText(), this, record.value(), rules.role().isOwn());
      wire = known;
    }
    return known;
  }

  private @Nullable String keyText() {
    byte[] key = record.key();
    String form = laneKey;
    return key == null || form == null || rules.format() != null
        ? KafkaRecords.keyText(key)
        : OrderingKeys.text(key, form);
  }

  @Override
  public byte @Nullable [] key() {
    return record.key();
  }

  @Override
  public List<RecordHeader> headers() {
    return KafkaOrigin.headers(record);
  }

  @Override
  public boolean hasBody() {
    return record.value() != null;
  }

  @Override
  public RecordPosition position() {
    return new RecordPosition(record.topic(), rules.topicId(), record.partition(), record.offset());
  }

  @Override
  public String boundName() {
    return rules.boundName();
  }

  @Override
  public @Nullable String assignedId() {
    String topicId = rules.topicId();
    return topicId == null ? null : topicId + ":" + record.partition() + ":" + record.offset();
  }

  @Override
  public boolean isDeferredRetry() {
    return rules.role() == TopicRole.DELAY;
  }

  @Override
  public Optional<String> partition() {
    return Optional.of(Integer.toString(record.partition()));
  }

  @Override
  public String positionText() {
    return record.topic() + "-" + record.partition() + "@" + record.offset();
  }
}
