package io.commslib.testkit.contract;

import static io.commslib.core.format.ValueSource.assignedId;
import static io.commslib.core.format.ValueSource.body;
import static io.commslib.core.format.ValueSource.header;
import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.codec.TypedHandler;
import io.commslib.core.format.ConfluentFormat;
import io.commslib.core.format.DebeziumFormat;
import io.commslib.core.format.PlainFormatBuilder;
import io.commslib.core.format.SpringFormat;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.observe.CommsObserver;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * The behaviour of every transport with formats of destinations: records of other programs are
 * handled, what is no such record is a dead letter, and records are unchanged after dead letter and
 * redrive. Tests of adapters extend it.
 */
public abstract class FormatContract extends ContractFixture {

  private static final Duration NEXT_WITHIN = Duration.ofSeconds(1);
  private static final int TRIES = 3;
  private static final String CREATED = "com.acme.OrderCreated";

  /** Creates the contract. */
  protected FormatContract() {}

  @Override
  protected abstract BadInputHarness createHarness(CommsObserver observer) throws Exception;

  /**
   * Starts a format of plain JSON.
   *
   * @return new builder whose paths are JSON pointers
   */
  protected abstract PlainFormatBuilder plainJson();

  /**
   * Returns the format of MassTransit's envelopes.
   *
   * @param types name of a message to type
   * @return the format
   */
  protected abstract MessageFormat massTransit(Map<String, String> types);

  /**
   * Returns whether the transport has records without a body.
   *
   * @return true by default
   */
  protected boolean hasTombstones() {
    return true;
  }

  private Destination queue(MessageFormat format) {
    Destination queue = Destination.queue(freshName());
    transport.declare(DestinationConfig.builder(queue).partitions(2).format(format).build());
    return queue;
  }

  private void publishRaw(Destination to, RawRecord record) throws Exception {
    ((BadInputHarness) harness).publishRecord(to, record);
  }

  private TypeRegistry types() {
    return TypeRegistry.builder(((BadInputHarness) harness).jsonCodec())
        .register("order.created", BadInput.Order.class)
        .build();
  }

  private static RawRecord json(String text) {
    return RawRecord.of(bytes("k"), bytes(text.replace('\'', '"')));
  }

  private static RawRecord order(String id) {
    return json("{'eventId':'" + id + "','name':'n','amount':1.5}");
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  @DisplayName("A plain record is handled by its topic, and a plain record is published")
  void aPlainRecordIsHandledByItsTopic() throws Exception {
    MessageFormat format = plainJson().type("order.created").id(body("/eventId")).build();
    Destination topic = Destination.topic(freshName());
    transport.declare(DestinationConfig.builder(topic).group("ship").format(format).build());
    List<Delivery> seen = new CopyOnWriteArrayList<>();
    TypedHandler handler =
        TypedHandler.builder(types())
            .on(
                BadInput.Order.class,
                (order, delivery) -> {
                  seen.add(delivery);
                  return Settlement.done();
                })
            .build();
    Subscription subscription = subscribe(config(topic, "ship"), handler);
    publishRaw(topic, order("e-1").and("X-Tenant", "north"));
    awaitCount(subscription, Count.DONE, 1);
    Message message = seen.get(0).message();
    assertThat(message.id()).isEqualTo("e-1");
    assertThat(message.type()).isEqualTo("order.created");
    assertThat(message.source()).isEqualTo(seen.get(0).record().boundName()).isNotEmpty();
    assertThat(message.key()).contains("k");
    assertThat(message.headers()).containsEntry("x-tenant", "north");
    publish(topic, message);
    awaitCount(subscription, Count.DONE, 2);
    assertThat(seen.get(1).message().identity()).isEqualTo(message.identity());
    assertThat(seen.get(1).record().body()).isEqualTo(seen.get(0).record().body());
  }

  @Test
  @DisplayName("An assigned id differs for each record and stays through dead letter and redrive")
  void theDerivedIdSurvivesRedrive() throws Exception {
    MessageFormat format = plainJson().type("order.created").build();
    Destination queue = queue(format);
    List<String> first = new CopyOnWriteArrayList<>();
    List<String> second = new CopyOnWriteArrayList<>();
    Subscription subscription =
        subscribe(
            config(queue),
            delivery -> {
              boolean again = delivery.redriveCount() > 0;
              (again ? second : first).add(delivery.message().id());
              return again ? Settlement.done() : Settlement.deadLetter("first");
            });
    for (int i = 0; i < 3; i++) {
      publishRaw(queue, order("e-1"));
    }
    awaitCount(subscription, Count.DEAD_LETTERED, 3);
    assertThat(idsOf(awaitDeadLetters(queue, "main", 3)))
        .containsExactlyInAnyOrderElementsOf(first);
    transport.deadLetters().redrive(queue, "main", letter -> true);
    awaitCount(subscription, Count.DONE, 3);
    assertThat(first).doesNotHaveDuplicates();
    assertThat(second).containsExactlyInAnyOrderElementsOf(first);
  }

  @Test
  @DisplayName("Another type on the topic is settled as the handler says")
  void anotherTypeOnTheTopicIsDropped() throws Exception {
    Map<String, String> closed = Map.of(CREATED, "order.created");
    Destination queue = queue(SpringFormat.kafka(closed).id(header("id").or(assignedId())).build());
    TypedHandler handler =
        TypedHandler.builder(types())
            .on(BadInput.Order.class, (order, delivery) -> Settlement.done())
            .otherwise(Settlement.drop("NOT_MINE"))
            .build();
    Subscription subscription = subscribe(config(queue), handler);
    publishRaw(queue, order("e-1").and("__TypeId__", "com.acme.Other").and("id", "1"));
    publishRaw(queue, order("e-2").and("__TypeId__", CREATED).and("id", "2"));
    int dropped = 1;
    if (hasTombstones()) {
      publishRaw(queue, RawRecord.of(bytes("k"), null).and("id", "3"));
      dropped = 2;
    }
    awaitCount(subscription, Count.DROPPED, dropped);
    awaitCount(subscription, Count.DONE, 1);
    assertThat(subscription.snapshot().count(Count.DEAD_LETTERED)).isZero();
  }

  @Test
  @DisplayName("A record of any shape comes back byte for byte after dead letter and redrive")
  void theRawRecordComesBackByteForByte() throws Exception {
    Destination queue =
        queue(
            DebeziumFormat.router(
                plainJson()
                    .type("order.created")
                    .id(body("/eventId"))
                    .tombstone("order.deleted")
                    .build()));
    String row = "ce_specversion:1.0\nce_id:row\nce_source:/shop\nce_type:order.created\n";
    byte[] noText = {(byte) 0xff, 0, (byte) 0xc3};
    List<RawRecord> records = new ArrayList<>();
    records.add(order("i".repeat(200)));
    records.add(order("\u00e4-" + "\ud83d\ude80"));
    records.add(order("raw").and("X-Raw", noText).and("empty", ""));
    records.add(order("twice").and("h", "1").and("h", "2").and("H", "3").and("h", noText));
    records.add(RawRecord.of(noText, bytes("{ \"eventId\" : \"spaces\" }")));
    records.add(json("{}").and("id", "42").and("commslib-headers", row));
    if (hasTombstones()) {
      records.add(RawRecord.of(bytes("k"), null).and("reason", "gone"));
    }
    Map<String, String> first = new LinkedHashMap<>();
    Map<String, String> second = new LinkedHashMap<>();
    Subscription subscription =
        subscribe(
            config(queue),
            delivery -> {
              boolean again = delivery.redriveCount() > 0;
              synchronized (first) {
                (again ? second : first).put(delivery.message().id(), shown(delivery.record()));
              }
              return again ? Settlement.done() : Settlement.deadLetter("first");
            });
    for (RawRecord record : records) {
      publishRaw(queue, record);
    }
    awaitCount(subscription, Count.DEAD_LETTERED, records.size());
    transport.deadLetters().redrive(queue, "main", letter -> true);
    awaitCount(subscription, Count.DONE, records.size());
    assertThat(first).hasSize(records.size()).containsKeys("i".repeat(200), "row");
    assertThat(second).isEqualTo(first);
  }

  /** Key, headers and body; the order of headers where the broker keeps it. */
  private static String shown(ForeignRecord record) {
    List<String> headers = new ArrayList<>();
    record
        .headers()
        .forEach(
            header ->
                headers.add(
                    header.name()
                        + "="
                        + header
                            .bytes()
                            .map(HexFormat.of()::formatHex)
                            .orElseGet(() -> String.valueOf(header.value()))));
    if (record.exchange().isPresent()) {
      headers.sort(Comparator.naturalOrder());
    }
    return record.key().map(HexFormat.of()::formatHex)
        + " "
        + headers
        + " "
        + (record.hasBody() ? HexFormat.of().formatHex(record.body()) : "no body");
  }

  private record Row(String name, RawRecord record) {}

  private record Case(String name, MessageFormat format, RawRecord good, List<Row> bad) {}

  private List<Case> cases() {
    Map<String, String> created = Map.of(CREATED, "order.created");
    String deep = "{'eventId':'d','x':" + "[".repeat(100_000) + "]".repeat(100_000) + "}";
    List<Row> plain = new ArrayList<>();
    plain.add(new Row("missing pointer", json("{'name':'n','amount':1}")));
    plain.add(new Row("null at the pointer", json("{'eventId':null,'amount':1}")));
    plain.add(new Row("duplicate keys", json("{'eventId':'a','eventId':'b'}")));
    plain.add(new Row("duplicate keys elsewhere", json("{'eventId':'a','x':{'y':1,'y':2}}")));
    plain.add(new Row("wrong type", json("{'eventId':{'id':'a'}}")));
    plain.add(new Row("deep JSON", json(deep)));
    plain.add(new Row("no JSON", RawRecord.of(bytes("k"), new byte[] {(byte) 0xff})));
    plain.add(new Row("empty body", json("")));
    List<Row> spring = new ArrayList<>();
    spring.add(new Row("unknown __TypeId__", order("x").and("__TypeId__", "javax.naming.Context")));
    spring.add(new Row("no __TypeId__", order("x")));
    spring.add(
        new Row(
            "a collection",
            order("x").and("__TypeId__", CREATED).and("__ContentTypeId__", CREATED)));
    if (hasTombstones()) {
      Row tombstone = new Row("tombstone without a named type", RawRecord.of(bytes("k"), null));
      plain.add(tombstone);
      spring.add(tombstone);
    }
    List<Row> framed =
        List.of(
            new Row("unknown schema id", framed(9)),
            new Row("truncated frame", RawRecord.of(bytes("k"), new byte[] {0, 0, 0, 0})),
            new Row("empty frame", RawRecord.of(bytes("k"), new byte[0])),
            new Row("no frame", order("x")));
    List<Row> router =
        List.of(
            new Row("no id", order("x").and("eventType", "order.created")),
            new Row("no event type", order("x").and("id", "1")));
    String envelope = "{'messageId':'m','messageType':['urn:a'],'message':{'name':'n','amount':1}}";
    List<Row> massTransit =
        List.of(
            new Row("no envelope", order("x")),
            new Row("unknown message type", json(envelope.replace("urn:a", "urn:b"))),
            new Row(
                "duplicate keys",
                json(envelope.replace("{'messageId'", "{'message':1,'messageId'"))),
            new Row("wrong type", json(envelope.replace("'m'", "7"))),
            new Row("deep JSON", json(deep)));
    return List.of(
        new Case(
            "plain JSON",
            plainJson().type("order.created").id(body("/eventId")).build(),
            order("good"),
            plain),
        new Case(
            "Spring",
            SpringFormat.kafka(created).id(header("id")).build(),
            order("good").and("__TypeId__", CREATED).and("id", "good"),
            spring.stream()
                .map(row -> new Row(row.name(), row.record().and("id", "bad")))
                .toList()),
        new Case(
            "Confluent",
            ConfluentFormat.schemas(
                    "application/json", Map.of(7, new ConfluentFormat.Schema("order.created", 1)))
                .id(header("id"))
                .build(),
            framed(7).and("id", "good"),
            framed.stream()
                .map(row -> new Row(row.name(), row.record().and("id", "bad")))
                .toList()),
        new Case(
            "Debezium router",
            DebeziumFormat.router(),
            order("good").and("id", "1").and("eventType", "order.created"),
            router),
        new Case(
            "MassTransit",
            massTransit(Map.of("urn:a", "order.created")),
            json(envelope),
            massTransit));
  }

  private static RawRecord framed(int schema) {
    byte[] data = bytes("{\"name\":\"n\",\"amount\":1}");
    byte[] body = new byte[5 + data.length];
    body[4] = (byte) schema;
    System.arraycopy(data, 0, body, 5, data.length);
    return RawRecord.of(bytes("k"), body);
  }

  @Test
  @DisplayName("What is not of the format is a dead letter, and the next message is handled")
  void whatIsNotOfTheFormatIsADeadLetter() throws Exception {
    for (Case one : cases()) {
      Destination queue = queue(one.format());
      TypedHandler handler =
          TypedHandler.builder(types())
              .on(
                  BadInput.Order.class,
                  (order, delivery) ->
                      order.amount().compareTo(BigDecimal.ZERO) > 0
                          ? Settlement.done()
                          : Settlement.drop("none"))
              .build();
      Subscription subscription = subscribe(config(queue), handler);
      publishRaw(queue, one.good());
      awaitCount(subscription, Count.DONE, 1);
      int dead = 0;
      for (Row row : one.bad()) {
        publishRaw(queue, row.record());
        dead++;
        awaitCount(subscription, Count.DEAD_LETTERED, dead);
        assertNextIsHandledInTime(one, row, queue, subscription);
      }
    }
  }

  private void assertNextIsHandledInTime(
      Case one, Row row, Destination queue, Subscription subscription) throws Exception {
    for (int attempt = 1; attempt <= TRIES; attempt++) {
      long before = subscription.snapshot().count(Count.DONE);
      publishRaw(queue, one.good());
      long start = System.nanoTime();
      await(
          "the message after " + one.name() + ", " + row.name(),
          () -> subscription.snapshot().count(Count.DONE) > before);
      if (Duration.ofNanos(System.nanoTime() - start).compareTo(NEXT_WITHIN) < 0) {
        return;
      }
    }
    throw new AssertionError("the message after " + row.name() + " took over " + NEXT_WITHIN);
  }
}
