package io.commslib.benchmarks.core;

import io.commslib.benchmarks.measure.AllocatedBytes;
import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.engine.DeliveryEngineBuilder;
import io.commslib.core.engine.RawDelivery;
import io.commslib.core.engine.Settler;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.HeaderTexts;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.jackson.PlainFormat;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The delivery engine alone: records in the form of a broker's client (headers as bytes, 1 KiB
 * body) are decoded, handled in key order by a handler that does nothing, and settled without a
 * broker.
 */
final class EngineLoad {

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final CloudEventsEnvelope ENVELOPE =
      new CloudEventsEnvelope(CloudEventsEnvelope.KAFKA_PREFIX);
  private static final MessageFormat PLAIN =
      PlainFormat.json().type("bench").id(PlainFormat.field("eventId")).build();
  private static final byte[] BODY = new byte[1024];
  private static final int POLL_SIZE = 500;
  private static final int WORKERS = 4;

  private EngineLoad() {}

  /**
   * The cost of one run.
   *
   * @param cpuMicros CPU time of all threads per record
   * @param nanos time per record
   * @param bytes bytes allocated by all threads per record, the records themselves included
   */
  record Cost(double cpuMicros, double nanos, double bytes) {}

  static Cost run(int records, int keys) throws InterruptedException {
    return run(records, keys, false);
  }

  /** As {@link #run(int, int)}, with records of plain JSON whose id stands in the body. */
  static Cost runPlain(int records, int keys) throws InterruptedException {
    return run(records, keys, true);
  }

  /** As {@link #run(int, int)}, by an engine that opens no context around its handler. */
  static Cost runWithoutContext(int records, int keys) throws InterruptedException {
    return run(records, keys, false, false);
  }

  private static Cost run(int records, int keys, boolean plain) throws InterruptedException {
    return run(records, keys, plain, true);
  }

  private static Cost run(int records, int keys, boolean plain, boolean opensContext)
      throws InterruptedException {
    ForeignRecord[] templates = new ForeignRecord[Math.min(records, 20_000)];
    for (int i = 0; i < templates.length; i++) {
      templates[i] =
          plain
              ? new ForeignRecord("k", Map.of(), json(i))
              : new ForeignRecord(
                  "k",
                  ENVELOPE.write(Message.builder("bench").id("m" + i).key("k").build()).texts(),
                  BODY);
    }
    byte[][][] headers = bytes(templates);
    Semaphore room = new Semaphore(0);
    Counter settled = new Counter(records);
    SubscriptionConfig config =
        SubscriptionConfig.builder(Destination.queue("bench"))
            .workers(WORKERS)
            .maxInFlight(5_000)
            .build();
    try (SystemRuntime runtime = SystemRuntime.create()) {
      DeliveryEngineBuilder builder = DeliveryEngine.builder(config, delivery -> Settlement.done());
      if (!opensContext) {
        openNoContext(builder);
      }
      DeliveryEngine engine =
          builder
              .runtime(runtime)
              .format(plain ? PLAIN : ENVELOPE)
              .settler(settled)
              .deadLetters(letter -> CompletableFuture.completedStage(null))
              .onIntakeOpen(room::release)
              .build();
      long bytes = AllocatedBytes.now();
      long cpu = cpuNanos();
      long start = System.nanoTime();
      feed(engine, room, records, templates, headers, keys);
      settled.await();
      Cost cost =
          new Cost(
              (cpuNanos() - cpu) / 1e3 / records,
              (System.nanoTime() - start) / (double) records,
              (AllocatedBytes.now() - bytes) / (double) records);
      if (engine.snapshot().count(Count.DEAD_LETTERED) != 0) {
        throw new IllegalStateException(engine.snapshot().toString());
      }
      engine.close();
      return cost;
    }
  }

  /**
   * The engine has no such setting for users, since a handler without a context breaks promises.
   */
  private static void openNoContext(DeliveryEngineBuilder builder) {
    try {
      Field opens = DeliveryEngineBuilder.class.getDeclaredField("opensContext");
      opens.setAccessible(true);
      opens.setBoolean(builder, false);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void feed(
      DeliveryEngine engine,
      Semaphore room,
      int records,
      ForeignRecord[] templates,
      byte[][][] headers,
      int keys)
      throws InterruptedException {
    int mixer = 1;
    List<RawDelivery> poll = new ArrayList<>(POLL_SIZE);
    for (int i = 0; i < records; i++) {
      mixer = mixer * 1_103_515_245 + 12_345;
      String key = "key-" + (mixer >>> 8) % keys;
      int template = i % templates.length;
      poll.add(new Record(key, wire(key, templates[template], headers[template])));
      if (poll.size() == POLL_SIZE || i == records - 1) {
        acceptAll(engine, room, poll);
      }
    }
  }

  private static void acceptAll(DeliveryEngine engine, Semaphore room, List<RawDelivery> poll)
      throws InterruptedException {
    int accepted = 0;
    while (accepted < poll.size()) {
      int now = engine.acceptWhileOpen(poll.subList(accepted, poll.size()));
      accepted += now;
      if (now == 0) {
        room.acquire();
      }
    }
    poll.clear();
  }

  private static byte[][][] bytes(ForeignRecord[] templates) {
    byte[][][] bytes = new byte[templates.length][][];
    for (int i = 0; i < templates.length; i++) {
      bytes[i] =
          templates[i].texts().values().stream()
              .map(value -> value.getBytes(StandardCharsets.UTF_8))
              .toArray(byte[][]::new);
    }
    return bytes;
  }

  /** Creates a record in a client's form: its header values are bytes that are not decoded yet. */
  private static ForeignRecord wire(String key, ForeignRecord template, byte[][] values) {
    HeaderTexts.Builder headers = HeaderTexts.builder(values.length);
    int at = 0;
    for (String name : template.texts().keySet()) {
      headers.add(name, values[at++]);
    }
    return new ForeignRecord(key, headers.build(), template.body());
  }

  /** An event of 1 KiB. */
  private static byte[] json(int number) {
    String head = "{\"eventId\":\"m" + number + "\",\"amount\":12.50,\"lines\":[1,2,3],\"text\":\"";
    String tail = "\"}";
    return (head + "x".repeat(BODY.length - head.length() - tail.length()) + tail)
        .getBytes(StandardCharsets.UTF_8);
  }

  private static long cpuNanos() {
    long sum = 0;
    for (long id : THREADS.getAllThreadIds()) {
      sum += Math.max(0, THREADS.getThreadCpuTime(id));
    }
    return sum;
  }

  private static final class Counter implements Settler {
    private final AtomicLong left;
    private final Semaphore done = new Semaphore(0);

    Counter(long records) {
      this.left = new AtomicLong(records);
    }

    void await() throws InterruptedException {
      done.acquire();
    }

    @Override
    public void acknowledge(RawDelivery delivery) {
      if (left.decrementAndGet() == 0) {
        done.release();
      }
    }

    @Override
    public void giveBack(RawDelivery delivery) {
      throw new IllegalStateException("given back: " + delivery.positionText());
    }
  }

  private record Record(String key, ForeignRecord wire) implements RawDelivery {
    @Override
    public Object scope() {
      return ENVELOPE;
    }

    @Override
    public Optional<String> laneKey() {
      return Optional.of(key);
    }

    @Override
    public int sizeBytes() {
      return BODY.length + 256;
    }

    @Override
    public int priorDeliveries() {
      return 0;
    }

    @Override
    public String positionText() {
      return key;
    }
  }
}
