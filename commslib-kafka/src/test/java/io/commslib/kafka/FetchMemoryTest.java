package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.testkit.Await;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.Test;

class FetchMemoryTest {

  private static final int FETCH = 1_000_000;
  private static final byte[] BODY = "a body".getBytes(StandardCharsets.UTF_8);
  private static final byte[] NAME = "ce_id".getBytes(StandardCharsets.UTF_8);

  @Test
  void admitsArraysUpToItsBound() {
    FetchMemory memory = new FetchMemory(3L * FETCH);
    List<byte[]> kept = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      kept.add(new byte[FETCH]);
    }

    assertThat(kept.stream().map(memory::admits)).containsExactly(true, true, true, false, false);
    assertThat(kept.stream().map(memory::admits))
        .as("the next poll")
        .containsExactly(true, true, true, false, false);
    assertThat(memory.bytes()).isEqualTo(3L * FETCH);
  }

  @Test
  void admitsNoSmallArrayAndNoneAboveItsBound() {
    FetchMemory memory = new FetchMemory(FETCH);

    assertThat(memory.admits(new byte[FetchMemory.MIN_SHARED_BYTES - 1])).isFalse();
    assertThat(memory.admits(new byte[FETCH + 1])).isFalse();
    assertThat(memory.bytes()).isZero();
  }

  @Test
  void admitsFurtherArraysOnceOthersAreFreed() {
    FetchMemory memory = new FetchMemory(FETCH);
    WeakReference<byte[]> first = admitted(memory);

    Await.until(
        "the array is freed",
        () -> {
          System.gc();
          return first.refersTo(null);
        });

    Await.until("another array is admitted", () -> memory.admits(new byte[FETCH]));
    assertThat(memory.bytes()).isEqualTo(FETCH);
  }

  /** No local variable of the test keeps the array. */
  private static WeakReference<byte[]> admitted(FetchMemory memory) {
    byte[] array = new byte[FETCH];
    assertThat(memory.admits(array)).isTrue();
    assertThat(memory.admits(new byte[FETCH])).isFalse();
    return new WeakReference<>(array);
  }

  @Test
  void knowsABodyThatHasItsArrayForItself() {
    assertThat(FetchMemory.isAlone(ByteBuffer.wrap(new byte[100], 40, 6))).isTrue();
    assertThat(FetchMemory.isAlone(ByteBuffer.wrap(new byte[5_000], 400, 3_000))).isTrue();
    assertThat(FetchMemory.isAlone(ByteBuffer.wrap(new byte[5_000], 400, 300))).isFalse();
    assertThat(FetchMemory.isAlone(ByteBuffer.allocateDirect(6))).isFalse();
  }

  @Test
  void aCopiedRecordKeepsNothingOfItsFetch() {
    List<KafkaDelivery> waiting = new ArrayList<>();
    WeakReference<byte[]> fetch = received(waiting, false);

    Await.until(
        "the array is freed",
        () -> {
          System.gc();
          return fetch.refersTo(null);
        });
    assertThat(waiting.get(0).wire().body()).isEqualTo(BODY);
    assertThat(waiting.get(0).wire().texts().get("ce_id")).isEqualTo("a body");
  }

  @Test
  void aRecordThatStaysIsNotCopied() {
    List<KafkaDelivery> waiting = new ArrayList<>();
    WeakReference<byte[]> fetch = received(waiting, true);

    assertThat(fetch.refersTo(waiting.get(0).wire().bodyBuffer().array())).isTrue();
    assertThat(waiting.get(0).wire().body()).isEqualTo(BODY);
  }

  @Test
  void aBodyOutsideOfTheHeapIsCopied() {
    ByteBuffer direct = ByteBuffer.allocateDirect(BODY.length).put(BODY).flip();

    assertThat(delivery(direct, new RecordHeaders(), false).wire().body()).isEqualTo(BODY);
  }

  /** Makes a delivery as the client does: all its parts are views of the array of the fetch. */
  private static WeakReference<byte[]> received(List<KafkaDelivery> waiting, boolean stays) {
    byte[] fetch = new byte[FETCH];
    System.arraycopy(BODY, 0, fetch, 500_000, BODY.length);
    System.arraycopy(NAME, 0, fetch, 500_100, NAME.length);
    RecordHeaders headers = new RecordHeaders();
    headers.add(
        new RecordHeader(
            ByteBuffer.wrap(fetch, 500_100, NAME.length).slice(),
            ByteBuffer.wrap(fetch, 500_000, BODY.length).slice()));
    waiting.add(delivery(ByteBuffer.wrap(fetch, 500_000, BODY.length).slice(), headers, stays));
    return new WeakReference<>(fetch);
  }

  private static KafkaDelivery delivery(ByteBuffer body, RecordHeaders headers, boolean stays) {
    return new KafkaDelivery(
        new PartitionLedger(new TopicPartition("t", 0), 0),
        new ConsumerRecord<>(
            "t",
            0,
            7,
            0,
            TimestampType.CREATE_TIME,
            0,
            body.remaining(),
            new byte[0],
            body,
            headers,
            Optional.empty()),
        new ReadingRules("t", TopicRole.SOURCE, null, null),
        stays);
  }
}
