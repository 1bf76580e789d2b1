package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.testkit.sabotage.Saboteur;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Rules on the parts of a message that arrive: all of them. */
abstract class RoundTripChapter extends ContractFixture {

  @Test
  @DisplayName("Every attribute of a message arrives as it was published")
  @BrokenBy(Saboteur.FORGETS_ATTRIBUTES)
  void everyAttributeArrives() {
    Message sent =
        Message.builder("order.placed")
            .id("id-1:~/{}")
            .version(7)
            .source("/orders?region=eu")
            .key("k\u00fcndin-1 \u20ac")
            .subject("order/1 \uD83D\uDE00")
            .time(Instant.parse("2026-03-04T05:06:07.123456789Z"))
            .contentType("application/json; charset=utf-8")
            .correlationId("correlation-1")
            .causationId("causation-1")
            .traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
            .tracestate("vendor=1, other=2")
            .expiry(Instant.parse("2999-01-01T00:00:00Z"))
            .idempotencyKey("key-1")
            .body(new byte[] {0, 1, -1})
            .build();
    Message arrived = roundTrip(sent);
    assertThat(arrived.id()).isEqualTo(sent.id());
    assertThat(arrived.type()).isEqualTo(sent.type());
    assertThat(arrived.version()).isEqualTo(7);
    assertThat(arrived.source()).isEqualTo(sent.source());
    assertThat(arrived.key()).isEqualTo(sent.key());
    assertThat(arrived.subject()).isEqualTo(sent.subject());
    assertThat(arrived.time()).isEqualTo(sent.time());
    assertThat(arrived.contentType()).isEqualTo(sent.contentType());
    assertThat(arrived.correlationId()).isEqualTo(sent.correlationId());
    assertThat(arrived.causationId()).isEqualTo(sent.causationId());
    assertThat(arrived.traceparent()).isEqualTo(sent.traceparent());
    assertThat(arrived.tracestate()).isEqualTo(sent.tracestate());
    assertThat(arrived.expiry()).isEqualTo(sent.expiry());
    assertThat(arrived.deliverAt()).isEmpty();
    assertThat(arrived.idempotencyKey()).contains("key-1");
    assertThat(arrived.body()).containsExactly(0, 1, -1);
  }

  @Test
  @DisplayName("A message without optional attributes arrives without them")
  @BrokenBy(Saboteur.INVENTS_KEYS)
  void absentAttributesStayAbsent() {
    Message arrived = roundTrip(message("m1"));
    assertThat(arrived.key()).isEmpty();
    assertThat(arrived.subject()).isEmpty();
    assertThat(arrived.time()).isEmpty();
    assertThat(arrived.correlationId()).isEmpty();
    assertThat(arrived.causationId()).isEmpty();
    assertThat(arrived.traceparent()).isEmpty();
    assertThat(arrived.expiry()).isEmpty();
    assertThat(arrived.idempotencyKey()).isEmpty();
    assertThat(arrived.headers()).isEmpty();
  }

  @Test
  @DisplayName("Every header arrives with its value: empty, long and beyond ASCII")
  @BrokenBy(Saboteur.FORGETS_HEADERS)
  void everyHeaderArrives() {
    Message.Builder builder =
        message("m1").toBuilder()
            .header("tenant", "a")
            .header("empty", "")
            .header("text", "gr\u00fc\u00dfe, \u65e5\u672c\u8a9e, \uD83D\uDE00")
            .header("long", "x".repeat(8_192));
    for (int i = 0; i < 50; i++) {
      builder.header("h-" + i, "value " + i);
    }
    Message sent = builder.build();
    assertThat(roundTrip(sent).headers()).containsExactlyInAnyOrderEntriesOf(sent.headers());
  }

  @Test
  @DisplayName("A key of 256 characters beyond ASCII arrives and orders")
  @BrokenBy({Saboteur.LOSES_KEYS, Saboteur.SWAPS_MESSAGES_OF_A_KEY})
  void longKeyBeyondAsciiArrivesAndOrders() {
    String key = "\u00e9\u65e5".repeat(128);
    Destination queue = queue();
    RecordingHandler handled = RecordingHandler.done();
    subscribe(config(queue), handled);
    List<String> ids = publishKey(queue, key, "m", 6);
    await("6 handled", () -> handled.count() >= 6);
    assertThat(handled.firstOfKey(key)).isEqualTo(ids);
  }

  @Test
  @DisplayName("An empty body arrives empty")
  @BrokenBy(Saboteur.PADS_EMPTY_BODIES)
  void emptyBodyArrivesEmpty() {
    assertThat(roundTrip(message("m1", "k")).body()).isEmpty();
  }

  @Test
  @DisplayName("A body of 900 KiB arrives byte for byte")
  @BrokenBy(Saboteur.TRUNCATES_BODIES)
  void largeBodyArrivesByteForByte() {
    byte[] body = new byte[900 * 1024];
    new Random(1).nextBytes(body);
    Message sent = message("m1").toBuilder().body(body).build();
    assertThat(roundTrip(sent).body()).isEqualTo(body);
  }

  private Message roundTrip(Message sent) {
    Destination queue = queue();
    RecordingHandler handled = RecordingHandler.done();
    subscribe(config(queue), handled);
    publish(queue, sent);
    await(sent.id() + " handled", () -> handled.count() > 0);
    return handled.seen().get(0).message();
  }
}
