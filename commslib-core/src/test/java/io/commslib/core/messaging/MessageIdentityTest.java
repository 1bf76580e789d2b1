package io.commslib.core.messaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Modifier;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MessageIdentityTest {

  @Test
  void consistsOfIdAndSource() {
    Message message = Message.builder("t").id("1").source("/orders").build();
    assertThat(message.identity()).isEqualTo("1 /orders").isEqualTo(message.inboxKey());
    assertThat(message.toBuilder().source("/payment").build().identity())
        .as("ids are unique per source")
        .isEqualTo("1 /payment");
    assertThat(Message.builder("t").id("1").build().identity()).isEqualTo("1 /");
  }

  @Test
  void anIdempotencyKeyIsIndependentOfTheSource() {
    Message one = Message.builder("t").source("/a").idempotencyKey("k").build();
    Message other = Message.builder("t").source("/b").idempotencyKey("k").build();
    assertThat(one.inboxKey()).isEqualTo("k").isEqualTo(other.inboxKey());
    assertThat(one.identity()).isNotEqualTo(other.identity());
    Message asItsId = Message.builder("t").id("1").idempotencyKey("1").build();
    assertThat(asItsId.idempotencyKey()).contains("1");
    assertThat(asItsId.inboxKey()).isNotEqualTo(asItsId.identity());
  }

  @Test
  void identitiesAndKeysNeverEqualEachOther() {
    SplittableRandom random = new SplittableRandom(1);
    String[] ids = {
      "1", "12", "1 2", "sha256:" + "0".repeat(64), "", "ü", "x".repeat(500), "\u0000"
    };
    String[] sources = {"/", " ", "2 /", "/ä", "s".repeat(400), "\uD83D", "\n", ""};
    Map<String, String> seen = new HashMap<>();
    for (int i = 0; i < 20_000; i++) {
      String id = ids[random.nextInt(ids.length)] + ids[random.nextInt(ids.length)];
      String source = sources[random.nextInt(sources.length)];
      boolean key = random.nextBoolean();
      String form = key ? MessageIdentity.ofIdempotencyKey(id) : MessageIdentity.of(id, source);
      String means = key ? "key" + id : "id" + id.length() + ":" + id + source;
      assertThat(form.length()).isBetween(1, 400);
      assertThat(form.chars()).allMatch(c -> c >= 0x20 && c != 0x7f && (c < 0xd800 || c > 0xdfff));
      String before = seen.putIfAbsent(form, means);
      assertThat(before == null || before.equals(means)).as(form).isTrue();
    }
  }

  /** Every text that an application can set in a message. */
  private enum Text {
    ID((builder, text) -> builder.id(text)),
    TYPE((builder, text) -> Message.builder(text)),
    SOURCE((builder, text) -> builder.source(text)),
    KEY((builder, text) -> builder.key(text)),
    SUBJECT((builder, text) -> builder.subject(text)),
    CONTENT_TYPE((builder, text) -> builder.contentType(text)),
    HEADER_NAME((builder, text) -> builder.header(text, "v")),
    HEADER_VALUE((builder, text) -> builder.header("h", text)),
    CORRELATION_ID((builder, text) -> builder.correlationId(text)),
    CAUSATION_ID((builder, text) -> builder.causationId(text)),
    TRACEPARENT((builder, text) -> builder.traceparent(text)),
    TRACESTATE((builder, text) -> builder.tracestate(text)),
    IDEMPOTENCY_KEY((builder, text) -> builder.idempotencyKey(text));

    private final BiFunction<Message.Builder, String, Message.Builder> setter;

    Text(BiFunction<Message.Builder, String, Message.Builder> setter) {
      this.setter = setter;
    }
  }

  @ParameterizedTest
  @EnumSource(Text.class)
  void anUnpairedSurrogateIsRefusedInEveryText(Text text) {
    for (String cut : new String[] {"a\uD83D", "\uDE00a", "a\uD83Db", "\uD83D\uD83D\uDE00"}) {
      assertThatThrownBy(() -> text.setter.apply(Message.builder("t"), cut))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("(expected: ");
    }
  }

  @Test
  void theTableContainsEveryTextOfAMessage() {
    long texts =
        Arrays.stream(Message.Builder.class.getDeclaredMethods())
            .filter(method -> Modifier.isPublic(method.getModifiers()))
            .filter(method -> method.getReturnType() == Message.Builder.class)
            .flatMap(method -> Arrays.stream(method.getParameterTypes()))
            .filter(type -> type == String.class)
            .count();
    // The type is a parameter of Message.builder.
    assertThat(Text.values()).hasSize((int) texts + 1);
  }

  @Test
  void timesAreAcceptedUntilTheEndOfTheYear9999() {
    Instant last = Instant.parse("9999-12-31T23:59:59Z");
    Message message = Message.builder("t").time(last).expiry(last).deliverAt(last).build();
    assertThat(message.time()).contains(last);
    assertThat(Message.builder("t").time(last.plusNanos(999_999_999)).build().time()).isPresent();
    assertThatThrownBy(() -> Message.builder("t").time(last.plusSeconds(1)))
        .hasMessageContaining("(expected: years 0001..9999)");
  }
}
