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
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/** A record of a partition as a delivery to the engine. */
final class KafkaDelivery implements RawDelivery, RecordOrigin {

  private final PartitionLedger ledger;
  private final long offset;
  private final byte @Nullable [] key;
  private final Headers headers;
  private final @Nullable ByteBuffer body;
  private final ReadingRules rules;
  private final @Nullable String laneKey;
  private @Nullable ForeignRecord wire;

  /**
   * Takes a record.
   *
   * @param staysInFetch whether it may keep the array of its fetch in memory; otherwise everything
   *     is copied that is a part of it
   */
  KafkaDelivery(
      PartitionLedger ledger,
      ConsumerRecord<byte[], ByteBuffer> record,
      ReadingRules rules,
      boolean staysInFetch) {
    this.ledger = ledger;
    this.offset = record.offset();
    this.key = record.key();
    this.headers = record.headers();
    this.body = staysInFetch ? record.value() : copy(record.value());
    this.rules = rules;
    if (!staysInFetch) {
      copyHeaders();
    }
    this.laneKey = rules.laneKey(this, key);
  }

  private static @Nullable ByteBuffer copy(@Nullable ByteBuffer body) {
    if (body == null) {
      return null;
    }
    byte[] copy = new byte[body.remaining()];
    body.duplicate().get(copy);
    return ByteBuffer.wrap(copy);
  }

  /** The client keeps a part of the fetch for each name and value until it is first read. */
  private void copyHeaders() {
    for (Header header : headers) {
      header.key();
      header.value();
    }
  }

  PartitionLedger ledger() {
    return ledger;
  }

  long offset() {
    return offset;
  }

  void finished() {
    ledger.finished(offset);
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
    return (key == null ? 0 : key.length) + (body == null ? 0 : body.remaining()) + 256;
  }

  @Override
  public int priorDeliveries() {
    return ledger.priorStarts(offset);
  }

  @Override
  public ForeignRecord wire() {
    ForeignRecord known = wire;
    if (known == null) {
      known = KafkaRecords.wire(headers, keyText(), this, body, rules.role().isOwn());
      wire = known;
    }
    return known;
  }

  private @Nullable String keyText() {
    String form = laneKey;
    return key == null || form == null || rules.format() != null
        ? KafkaRecords.keyText(key)
        : OrderingKeys.text(key, form);
  }

  @Override
  public byte @Nullable [] key() {
    return key;
  }

  @Override
  public List<RecordHeader> headers() {
    return KafkaOrigin.headers(headers);
  }

  @Override
  public boolean hasBody() {
    return body != null;
  }

  @Override
  public RecordPosition position() {
    return new RecordPosition(topic(), rules.topicId(), partitionNumber(), offset);
  }

  @Override
  public String boundName() {
    return rules.boundName();
  }

  @Override
  public @Nullable String assignedId() {
    String topicId = rules.topicId();
    return topicId == null ? null : topicId + ":" + partitionNumber() + ":" + offset;
  }

  @Override
  public boolean isDeferredRetry() {
    return rules.role() == TopicRole.DELAY;
  }

  @Override
  public Optional<String> partition() {
    return Optional.of(Integer.toString(partitionNumber()));
  }

  @Override
  public String positionText() {
    return topic() + "-" + partitionNumber() + "@" + offset;
  }

  private String topic() {
    return ledger.partition().topic();
  }

  private int partitionNumber() {
    return ledger.partition().partition();
  }
}
