package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Message;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is stored must be read by later versions: these values never change. */
class OutboxRowTest {

  @ParameterizedTest
  @CsvSource({"k, 6", "customer-17850, 27", "caf\u00e9, 2", "'', 25"})
  void aKeyStaysInItsShard(String key, int shard) {
    assertThat(OutboxRow.shardOf(key, 32)).isEqualTo(shard);
  }

  @Test
  void spreadsKeysOverAllShards() {
    int[] counts = new int[32];
    for (int i = 0; i < 32_000; i++) {
      counts[OutboxRow.shardOf("customer-" + i, 32)]++;
    }
    for (int count : counts) {
      assertThat(count).isBetween(800, 1_200);
    }
  }

  @Test
  void theTextFormOfHeadersStays() {
    Message message =
        Message.builder("order.placed")
            .id("id-1")
            .source("orders")
            .key("k")
            .time(Instant.parse("2026-05-04T03:02:01Z"))
            .contentType("application/json")
            .header("tenant", "a:b")
            .build();
    assertThat(OutboxRow.headerText(message, OutboxRow.ENVELOPE))
        .isEqualTo(
            """
            ce_specversion:1.0
            ce_id:id-1
            ce_source:orders
            ce_type:order.placed
            ce_time:2026-05-04T03:02:01Z
            ce_partitionkey:k
            content-type:application/json
            tenant:a:b
            """);
  }
}
