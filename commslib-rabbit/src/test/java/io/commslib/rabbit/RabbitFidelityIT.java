package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.LongString;
import com.rabbitmq.client.impl.LongStringHelper;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.RabbitServer;
import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Messages of foreign programs pass dead letters and redrive unchanged. */
class RabbitFidelityIT {

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final byte[] NO_TEXT = {(byte) 0xff, 0, (byte) 0xc3, 'x'};
  private static final Date TIME = new Date(1_700_000_000_000L);
  private static final String COPIES = "fidelity-copies";
  private static RabbitTransport transport;
  private static RawClient foreign;
  private static int number;

  @BeforeAll
  static void start() throws Exception {
    String uri = RabbitServer.shared().uri();
    transport = RabbitTransport.create(RabbitTransportConfig.builder(uri).build());
    foreign = RawClient.connect(uri);
    foreign.channel().queueDeclare(COPIES, false, true, true, null);
  }

  @AfterAll
  static void stop() {
    foreign.close();
    transport.close();
  }

  private interface Change {
    void to(AMQP.BasicProperties.Builder properties, Map<String, Object> headers);
  }

  /** Parts of a record, each in all its types. */
  private enum Shape {
    TEXT(header("h", "ä")),
    EMPTY_TEXT(header("h", "")),
    TEXT_THAT_IS_NO_UTF_8(header("h", LongStringHelper.asLongString(NO_TEXT))),
    BOOLEAN(header("h", true)),
    SIGNED_8(header("h", (byte) -7)),
    SIGNED_16(header("h", (short) -700)),
    SIGNED_32(header("h", -70_000)),
    SIGNED_64(header("h", Long.MIN_VALUE)),
    UNSIGNED_8('B', (byte) 0xfe),
    UNSIGNED_16('u', (byte) 0xfe, (byte) 1),
    UNSIGNED_32('i', (byte) 0xfe, (byte) 1, (byte) 2, (byte) 3),
    FLOAT(header("h", 1.25f)),
    DOUBLE(header("h", Math.PI)),
    DECIMAL(header("h", new BigDecimal("-123.45"))),
    TIMESTAMP_HEADER(header("h", TIME)),
    BYTES(header("h", NO_TEXT)),
    VOID(header("h", null)),
    TABLE(header("h", nested())),
    EMPTY_TABLE(header("h", Map.of())),
    ARRAY(header("h", Arrays.asList(1, null, "a", List.of(), nested(), NO_TEXT))),
    AS_DEEP_AS_THE_CLIENT_READS(header("h", deep(31))),
    DEEPER_THAN_THE_CLIENT_READS(header("h", deep(33))),
    MUCH_DEEPER_THAN_THE_CLIENT_READS(header("h", Arrays.asList(deep(100), NO_TEXT))),
    HEADERS_OF_THE_APPLICATION_THAT_BEGIN_WITH_X(
        (properties, headers) -> {
          headers.put("x-tenant", "acme");
          headers.put("x-retries", 3);
          headers.put("x-table", nested());
        }),
    HEADERS_OF_ANY_NAME(
        (properties, headers) -> {
          headers.put("X-Tenant", "a");
          headers.put("", "b");
          headers.put("ü b\r\n", "c");
          headers.put("n".repeat(255), "d");
        }),
    HEADER_NAMED_LIKE_A_PROPERTY(
        (properties, headers) -> {
          properties.contentType("text/plain");
          headers.put("content-type", "text/html");
        }),
    HEADER_NAMED_LIKE_A_PROPERTY_THAT_IS_NOT_THERE(header("content-type", "text/html")),
    HEADERS_OF_THE_LIBRARY_FORGED(
        (properties, headers) -> {
          headers.put("commslib-redrive-count", "9");
          headers.put("commslib-kept-expiration", "1");
          headers.put("commslib-packed", 3);
          headers.put("commslib-table", nested());
        }),
    EARLIER_QUEUES(
        (properties, headers) -> {
          headers.put("x-death", List.of(Map.of("queue", "q", "reason", "expired", "count", 2L)));
          headers.put("x-first-death-queue", "q");
          headers.put("x-first-death-reason", "expired");
          headers.put("x-first-death-exchange", "");
        }),
    COUNTS_OF_THE_BROKER(header("x-delivery-count", 5L)),
    COPIES_TO_OTHER_QUEUES(header("CC", List.of(COPIES))),
    AT_THE_LIMIT_OF_A_FRAME((properties, headers) -> {}),
    CONTENT_TYPE((properties, headers) -> properties.contentType("a/" + "b".repeat(253))),
    CONTENT_ENCODING((properties, headers) -> properties.contentEncoding("gzip")),
    TRANSIENT((properties, headers) -> properties.deliveryMode(1)),
    PERSISTENT((properties, headers) -> properties.deliveryMode(2)),
    PRIORITY((properties, headers) -> properties.priority(7)),
    CORRELATION_ID((properties, headers) -> properties.correlationId("ä".repeat(127))),
    REPLY_TO((properties, headers) -> properties.replyTo("answers")),
    EXPIRATION((properties, headers) -> properties.expiration("4294967295")),
    MESSAGE_ID((properties, headers) -> properties.messageId("m 1")),
    TIMESTAMP((properties, headers) -> properties.timestamp(TIME)),
    TYPE((properties, headers) -> properties.type("t")),
    USER_ID((properties, headers) -> properties.userId("guest")),
    APP_ID((properties, headers) -> properties.appId("app")),
    CLUSTER_ID((properties, headers) -> properties.clusterId("c")),
    EMPTY_PROPERTIES(
        (properties, headers) ->
            properties.contentType("").correlationId("").messageId("").type("").appId("")),
    NOTHING((properties, headers) -> {}),
    EMPTY_BODY((properties, headers) -> {}),
    BODY_THAT_IS_NO_UTF_8((properties, headers) -> {}),
    BODY_OF_MANY_FRAMES((properties, headers) -> {});

    private final Change change;
    private final byte[] field;

    Shape(Change change) {
      this.change = change;
      this.field = new byte[0];
    }

    Shape(char type, byte... value) {
      this.change = (properties, headers) -> {};
      this.field = ByteBuffer.allocate(1 + value.length).put((byte) type).put(value).array();
    }

    byte[] body() {
      return switch (this) {
        case EMPTY_BODY -> new byte[0];
        case BODY_THAT_IS_NO_UTF_8 -> NO_TEXT;
        case BODY_OF_MANY_FRAMES -> new byte[300_000];
        default -> "body".getBytes(StandardCharsets.UTF_8);
      };
    }

    AMQP.BasicProperties properties(Map<String, Object> event, int frameMax) throws Exception {
      AMQP.BasicProperties.Builder properties = new AMQP.BasicProperties.Builder();
      Map<String, Object> headers = new HashMap<>(event);
      change.to(properties, headers);
      if (field.length > 0) {
        return new RawProperties(headers, "h", field);
      }
      if (this == AT_THE_LIMIT_OF_A_FRAME) {
        headers.put("h", "");
        int empty = properties.headers(headers).build().toFrame(1, 4).size();
        headers.put("h", "x".repeat(frameMax - empty));
      }
      return properties.headers(headers.isEmpty() ? null : headers).build();
    }
  }

  private static Change header(String name, Object value) {
    return (properties, headers) -> headers.put(name, value);
  }

  private static Map<String, Object> nested() {
    Map<String, Object> inner = new HashMap<>();
    inner.put("void", null);
    inner.put("list", Arrays.asList(1L, (short) 2, null, Map.of("deep", TIME)));
    inner.put("text", "ä");
    return Map.of("inner", inner, "bytes", LongStringHelper.asLongString(NO_TEXT));
  }

  private static Object deep(int levels) {
    return levels == 0 ? "bottom" : Map.of("d", deep(levels - 1));
  }

  /** Each way on which a record is published again. */
  private enum Route {
    /** Dead-lettered by its handler, redriven. */
    OF_A_CLOUD_EVENT,
    /** Dead-lettered because it can't be read, redriven. */
    OF_A_RECORD_THAT_IS_NO_EVENT,
    /** Dead-lettered and redriven twice. */
    OF_A_RECORD_THAT_IS_REDRIVEN_TWICE
  }

  @Test
  void theShapesCoverEveryTypeOfFieldAndEveryProperty() throws Exception {
    Set<Character> types = new TreeSet<>();
    Set<String> properties = new TreeSet<>();
    for (Shape shape : Shape.values()) {
      AMQP.BasicProperties made = shape.properties(Map.of(), 131_072);
      if (made instanceof RawProperties raw) {
        types.add((char) raw.field()[0]);
        continue;
      }
      if (made.getHeaders() != null) {
        made.getHeaders().values().forEach(value -> types.addAll(RawProperties.types(value)));
      }
      for (Method getter : getters()) {
        if (getter.invoke(made) != null) {
          properties.add(getter.getName());
        }
      }
    }
    assertThat(types).isEqualTo(RawProperties.readableTypes());
    assertThat(properties)
        .containsExactlyInAnyOrderElementsOf(getters().stream().map(Method::getName).toList());
  }

  private static List<Method> getters() {
    return Stream.of(AMQP.BasicProperties.class.getDeclaredMethods())
        .filter(method -> method.getName().startsWith("get") && method.getParameterCount() == 0)
        .filter(method -> !method.isSynthetic() && !method.getName().startsWith("getClass"))
        .toList();
  }

  @ParameterizedTest
  @EnumSource(Route.class)
  void receivedMessagesAreDeadLetteredAndRedrivenUnchanged(Route route) throws Exception {
    Destination orders = Destination.topic("fidelity-" + ++number);
    transport.declare(DestinationConfig.builder(orders).group("g").build());
    String sent = foreign.spyOn(orders.name());
    String redriven = foreign.spyOn(RabbitNames.redrive(RabbitNames.queue(orders, "g")));
    Channel channel = foreign.channel();
    int frameMax = channel.getConnection().getFrameMax();
    int shapes = Shape.values().length;
    for (Shape shape : Shape.values()) {
      Map<String, Object> event =
          route == Route.OF_A_RECORD_THAT_IS_NO_EVENT
              ? Map.of()
              : RawClient.event(shape.name(), "k");
      foreign.publish(orders.name(), "", shape.properties(event, frameMax), shape.body());
    }
    Map<String, Map<String, String>> seen = new ConcurrentHashMap<>();
    int times = route == Route.OF_A_RECORD_THAT_IS_REDRIVEN_TWICE ? 2 : 1;
    try (Subscription subscription = subscribe(orders, times, seen)) {
      for (int time = 1; time <= times; time++) {
        awaitDead(subscription, time * shapes);
        int before = time - 1;
        assertThat(transport.deadLetters().list(orders, "g", 100))
            .hasSize(shapes)
            .allMatch(letter -> letter.redriveCount() == before);
        assertThat(transport.deadLetters().redrive(orders, "g", letter -> true)).isEqualTo(shapes);
      }
      Await.until(
          "handled or dead again",
          LIMIT,
          () ->
              subscription.snapshot().count(Count.DONE)
                      + subscription.snapshot().count(Count.DEAD_LETTERED)
                  == (long) (times + 1) * shapes);
    }
    List<String> expected = new ArrayList<>();
    for (Delivery delivery : foreign.consume(sent, shapes)) {
      expected.addAll(java.util.Collections.nCopies(times, expected(delivery)));
    }
    assertThat(foreign.consume(redriven, times * shapes))
        .extracting(RabbitFidelityIT::text)
        .containsExactlyInAnyOrderElementsOf(expected);
    assertThat(channel.messageCount(COPIES)).as("copies of letters").isZero();
  }

  private static Subscription subscribe(
      Destination orders, int deaths, Map<String, Map<String, String>> seen) {
    return transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(orders, "g")
                .withoutDeadLetterBreaker()
                .maxUnreadable(0)
                .build(),
            delivery -> {
              Map<String, String> headers = delivery.message().headers();
              String id = delivery.message().id();
              assertThat(seen.computeIfAbsent(id, first -> headers)).isEqualTo(headers);
              return delivery.redriveCount() < deaths
                  ? Settlement.deadLetter("no")
                  : Settlement.done();
            });
  }

  private static void awaitDead(Subscription subscription, int count) {
    Await.until(
        count + " dead letters",
        LIMIT,
        () -> subscription.snapshot().count(Count.DEAD_LETTERED) == count);
  }

  /** {@return the text of the sent record with the documented changes} */
  private static String expected(Delivery sent) throws Exception {
    Map<String, Object> headers = new HashMap<>();
    if (sent.getProperties().getHeaders() != null) {
      sent.getProperties()
          .getHeaders()
          .forEach(
              (name, value) -> {
                if (name.equals("CC")) {
                  headers.put("commslib-kept-CC", value);
                } else if (!name.startsWith("commslib-") && !name.equals("x-delivery-count")) {
                  headers.put(name, value);
                }
              });
    }
    if (sent.getProperties().getUserId() != null) {
      headers.put("commslib-kept-user-id", LongStringHelper.asLongString("guest"));
    }
    return text(
        sent.getProperties().builder().deliveryMode(2).userId(null).headers(headers).build(),
        ByteBuffer.wrap(sent.getBody()));
  }

  private static String text(Delivery redriven) {
    PackedRecord record = PackedRecord.read(redriven.getProperties(), redriven.getBody());
    return text(record.properties(), record.body());
  }

  private static String text(AMQP.BasicProperties properties, ByteBuffer body) {
    StringBuilder text = new StringBuilder();
    try {
      for (Method getter : getters()) {
        if (!getter.getName().equals("getHeaders")) {
          text.append(getter.getName()).append('=').append(getter.invoke(properties)).append('\n');
        }
      }
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
    Map<String, Object> headers = new TreeMap<>(properties.getHeaders());
    headers.remove("commslib-redrive-count");
    headers.remove("commslib-publish-seq");
    return text.append(text(headers)).append('\n').append(body.hashCode()).toString();
  }

  private static String text(Object value) {
    if (value instanceof Map<?, ?> table) {
      Map<Object, String> sorted = new TreeMap<>();
      table.forEach((name, item) -> sorted.put(name, text(item)));
      return sorted.toString();
    } else if (value instanceof List<?> list) {
      return list.stream().map(RabbitFidelityIT::text).toList().toString();
    } else if (value instanceof byte[] bytes) {
      return "bytes" + Arrays.toString(bytes);
    } else if (value instanceof LongString text) {
      return "text" + (text.length() > 1_000 ? text.hashCode() : Arrays.toString(text.getBytes()));
    }
    return value == null ? "void" : value.getClass().getSimpleName() + value;
  }

  @Test
  void aDeadLetterDoesNotExpireAndIsRedrivenWithItsTimeToLive() throws Exception {
    Destination orders = Destination.topic("fidelity-expiring");
    transport.declare(DestinationConfig.builder(orders).group("g").build());
    String redriven = foreign.spyOn(RabbitNames.redrive(RabbitNames.queue(orders, "g")));
    try (Subscription subscription = subscribe(orders, 1, new ConcurrentHashMap<>())) {
      foreign.publish(
          orders.name(),
          "",
          new AMQP.BasicProperties.Builder()
              .expiration("1000")
              .priority(9)
              .headers(RawClient.event("e", "k"))
              .build(),
          new byte[0]);
      awaitDead(subscription, 1);
      Await.stays(
          "in the dead letters",
          Duration.ofMillis(1_500),
          () -> foreign.count(RabbitNames.deadLetters(RabbitNames.queue(orders, "g"))) == 1);
      transport.deadLetters().redrive(orders, "g", letter -> true);
      AMQP.BasicProperties back = foreign.consume(redriven, 1).get(0).getProperties();
      assertThat(back.getExpiration()).isEqualTo("1000");
      assertThat(back.getPriority()).isEqualTo(9);
    }
  }

  @Test
  void aRedrivenRecordShowsTheHeadersAndPropertiesOfTheFirstDelivery() throws Exception {
    Destination orders = Destination.topic("fidelity-shown");
    transport.declare(DestinationConfig.builder(orders).group("g").build());
    List<String> shown = new CopyOnWriteArrayList<>();
    Map<String, Object> headers = RawClient.event("e", "k");
    headers.put("CC", List.of(COPIES));
    SubscriptionConfig config = SubscriptionConfig.builder(orders, "g").build();
    try (Subscription subscription =
        transport
            .subscriber()
            .subscribe(
                config,
                delivery -> {
                  Map<String, Object> sorted = new TreeMap<>(delivery.record().properties());
                  // Each record is written as persistent.
                  sorted.remove("delivery-mode");
                  delivery
                      .record()
                      .headers()
                      .forEach(header -> sorted.put("header " + header.name(), header.value()));
                  shown.add(sorted.toString());
                  return Settlement.deadLetter("no");
                })) {
      foreign.publish(
          orders.name(),
          "",
          new AMQP.BasicProperties.Builder()
              .userId("guest")
              .replyTo("answers")
              .expiration("600000")
              .priority(9)
              .headers(headers)
              .build(),
          new byte[0]);
      awaitDead(subscription, 1);
      transport.deadLetters().redrive(orders, "g", letter -> true);
      awaitDead(subscription, 2);
    }
    assertThat(shown.get(0)).contains("user-id=guest", "priority=9", "header CC=");
    assertThat(shown.get(1)).isEqualTo(shown.get(0));
  }

  @Test
  void keysThatAreNotTextAreOrderedAndDistinguished() throws Exception {
    Destination orders = Destination.topic("fidelity-keys");
    transport.declare(DestinationConfig.builder(orders).group("g").build());
    List<String> keys = new ArrayList<>();
    try (Subscription subscription = subscribe(orders, 1, new ConcurrentHashMap<>())) {
      for (int key : new int[] {0xff, 0xfe, 0xff}) {
        Map<String, Object> headers = RawClient.event("id", "k");
        headers.put(
            "cloudEvents_partitionkey", LongStringHelper.asLongString(new byte[] {(byte) key}));
        foreign.publish(orders.name(), "", headers);
      }
      awaitDead(subscription, 3);
      transport.deadLetters().list(orders, "g", 10).stream()
          .map(letter -> letter.key().orElse(""))
          .forEach(keys::add);
    }
    assertThat(keys).containsExactlyInAnyOrder("hex:ff", "hex:fe", "hex:ff");
  }
}
