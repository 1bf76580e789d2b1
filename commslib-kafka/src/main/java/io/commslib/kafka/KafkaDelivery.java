package io.commslib.kafka;

import io.commslib.core.engine.RawDelivery;
import io.commslib.core.wire.WireMessage;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/** A record of a partition as a delivery to the engine. */
final class KafkaDelivery implements RawDelivery {

  private final PartitionLedger ledger;
  private final ConsumerRecord<byte[], ByteBuffer> record;
  private final @Nullable String key;
  private @Nullable WireMessage wire;

  KafkaDelivery(PartitionLedger ledger, ConsumerRecord<byte[], ByteBuffer> record) {
    this.ledger = ledger;
    this.record = record;
    this.key = KafkaRecords.laneKey(record);
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
    return Optional.ofNullable(key);
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
  public WireMessage wire() {
    WireMessage known = wire;
    if (known == null) {
      known = KafkaRecords.wire(record, key, record.value(), KafkaNames.isOwn(record.topic()));
      wire = known;
    }
    return known;
  }

  @Override
  public boolean isDeferredRetry() {
    return KafkaNames.isDelay(record.topic());
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
