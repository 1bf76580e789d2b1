package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.VirtualTime;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * A poll loop over a {@link ScriptedConsumer}, driven pass by pass in virtual time, and an oracle
 * that knows what was handled and checks every commit.
 */
final class OffsetScenario implements AutoCloseable {

  static final Destination SOURCE = Destination.topic("t");
  static final TopicPartition FIRST = new TopicPartition("t", 0);
  static final TopicPartition SECOND = new TopicPartition("t", 1);
  static final TopicPartition REDRIVE = new TopicPartition("t.main.redrive", 0);

  private static final int MAX_PASSES = 300;
  private static final TopicIds NO_IDS =
      TopicIds.of(null, Duration.ofSeconds(15), (topics, limit) -> Map.of());

  final CommsRuntime runtime;
  final ScriptedConsumer broker;
  final PollLoop loop;
  final DeliveryEngine engine;

  private final Faults faults;
  private final Map<Integer, Consumer<OffsetScenario>> script = new TreeMap<>();
  private final Map<TopicPartition, Integer> epochs = new HashMap<>();
  private final Map<TopicPartition, Long> starts = new HashMap<>();
  private final Map<String, Set<Integer>> handledIn = new HashMap<>();
  private final List<String> violations = new ArrayList<>();
  private int passes;

  OffsetScenario(SubscriptionConfig subscription, Faults faults) {
    this(subscription, faults, NO_IDS);
  }

  /** Creates a scenario in which the loop asks for the ids of topics. */
  OffsetScenario(SubscriptionConfig subscription, Faults faults, TopicIds ids) {
    this(subscription, faults, VirtualTime.create(), handled -> {}, ids);
  }

  /** Creates a scenario with a handler, which may wait if the runtime has threads of its own. */
  OffsetScenario(
      SubscriptionConfig subscription,
      Faults faults,
      CommsRuntime runtime,
      Consumer<String> handler) {
    this(subscription, faults, runtime, handler, NO_IDS);
  }

  private OffsetScenario(
      SubscriptionConfig subscription,
      Faults faults,
      CommsRuntime runtime,
      Consumer<String> handler,
      TopicIds ids) {
    this.faults = faults;
    this.runtime = runtime;
    this.broker = new ScriptedConsumer(faults);
    CountedRuntime counted = new CountedRuntime(runtime, faults);
    this.loop =
        new PollLoop(
            broker.consumer(),
            KafkaTransportConfig.builder("localhost:9092").build(),
            subscription,
            counted,
            new SubscribedTopics(
                "t",
                REDRIVE.topic(),
                DelayTopics.of(
                    subscription,
                    new GroupNames(subscription.destination(), subscription.group(), null)),
                null),
            ids,
            new FetchMemory());
    this.engine =
        DeliveryEngine.builder(
                subscription,
                delivery -> {
                  handled(delivery.message().id());
                  handler.accept(delivery.message().id());
                  return Settlement.done();
                })
            .transport("scripted")
            .runtime(counted)
            .format(new CloudEventsEnvelope(CloudEventsEnvelope.KAFKA_PREFIX))
            .settler(loop)
            .deadLetters(
                letter -> {
                  violations.add("dead letter: " + letter.texts());
                  return CompletableFuture.completedFuture(null);
                })
            .delayStore((record, delay) -> java.util.Optional.empty())
            .maxBodyBytes(1_000_000)
            .givesBackInPlace()
            .build();
    broker.onCommit(this::committed);
    loop.attach(engine);
  }

  /** Runs a step before a certain pass. */
  void before(int pass, Consumer<OffsetScenario> what) {
    script.put(pass, what);
  }

  /** Runs a step once subscribing would return. */
  void whenAssigned(Consumer<OffsetScenario> what) {
    before(
        passes + 1,
        scenario -> {
          if (scenario.isAssigned()) {
            what.accept(scenario);
          } else {
            scenario.whenAssigned(what);
          }
        });
  }

  private boolean isAssigned() {
    // The client's InterruptException sets the interrupt flag of this thread too.
    Thread.interrupted();
    try {
      return loop.awaitAssigned(Duration.ZERO);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Sets the first offset that must be handled. */
  void startsAt(TopicPartition partition, long offset) {
    starts.put(partition, offset);
  }

  /** Marks an offset as handled by an earlier owner. */
  void finishedBefore(TopicPartition partition, long offset) {
    handledIn.put(partition + "@" + offset, new HashSet<>(Set.of(0, 1)));
  }

  /** Allows each record of the partition to be handled once more. */
  void reassigned(TopicPartition partition) {
    epochs.merge(partition, 1, Integer::sum);
  }

  /** The number of assignments in which an offset was handled. */
  synchronized int timesHandled(TopicPartition partition, long offset) {
    return handledIn.getOrDefault(partition + "@" + offset, Set.of()).size();
  }

  /** The number of different records that were handled. */
  synchronized int handledCount() {
    return handledIn.size();
  }

  private synchronized void handled(String id) {
    TopicPartition partition = partition(id);
    int epoch = epochs.getOrDefault(partition, 0);
    if (!handledIn.computeIfAbsent(id, first -> new HashSet<>()).add(epoch)) {
      violations.add(id + " handled twice in one assignment");
    }
  }

  private TopicPartition partition(String id) {
    return broker.partitions().stream()
        .filter(partition -> id.startsWith(partition + "@"))
        .findFirst()
        .orElseThrow();
  }

  private synchronized boolean isHandled(TopicPartition partition, long offset) {
    return handledIn.containsKey(partition + "@" + offset);
  }

  private void committed(TopicPartition partition, OffsetAndMetadata offset) {
    long before = broker.committedOffset(partition);
    if (offset.offset() < before) {
      violations.add(partition + " committed " + offset.offset() + " after " + before);
    }
    Set<Long> beyond = new HashSet<>();
    CommitMetadata.decode(offset.offset(), offset.metadata()).finished().stream()
        .forEach(bit -> beyond.add(offset.offset() + bit));
    for (long record : required(partition)) {
      if ((record < offset.offset() || beyond.contains(record)) && !isHandled(partition, record)) {
        violations.add(
            "commit of " + partition + " " + offset + " covers the unfinished record " + record);
      }
    }
  }

  private List<Long> required(TopicPartition partition) {
    long start = starts.getOrDefault(partition, 0L);
    return broker.offsets(partition).stream().filter(offset -> offset >= start).toList();
  }

  private boolean isAllHandled() {
    return broker.partitions().stream()
        .allMatch(
            partition ->
                required(partition).stream().allMatch(offset -> isHandled(partition, offset)));
  }

  /** Runs until the script has ended and everything is handled, then ends the loop. */
  void run() {
    while (passes < MAX_PASSES && !(script.isEmpty() && isAllHandled())) {
      pass();
    }
    for (int more = 0; more < 3; more++) {
      // The last records are acknowledged and committed.
      pass();
    }
    engine.drain(Duration.ZERO);
    loop.stop();
    faults.armed(loop::run);
    Thread.interrupted();
  }

  void pass() {
    Consumer<OffsetScenario> step = script.remove(passes++);
    if (step != null) {
      step.accept(this);
    }
    boolean[] well = new boolean[1];
    faults.armed(() -> well[0] = loop.tryPass());
    if (runtime instanceof VirtualTime virtual) {
      virtual.advance(Duration.ofMillis(well[0] ? 50 : 500));
    }
  }

  void check(boolean committedToo) {
    for (TopicPartition partition : broker.partitions()) {
      for (long offset : required(partition)) {
        if (!isHandled(partition, offset)) {
          violations.add(partition + "@" + offset + " never handled");
        }
      }
      if (committedToo && !required(partition).isEmpty()) {
        long last = required(partition).get(required(partition).size() - 1);
        if (broker.committedOffset(partition) <= last) {
          violations.add(
              partition + " committed up to " + broker.committedOffset(partition) + " of " + last);
        }
      }
    }
    if (!broker.isClosed() && faults.failedAt() == null) {
      violations.add("consumer not closed");
    }
    assertThat(violations).as("failed at %s", Objects.toString(faults.failedAt())).isEmpty();
  }

  @Override
  public void close() {
    engine.close();
    runtime.close();
  }
}
