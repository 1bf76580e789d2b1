package io.commslib.benchmarks.chaos;

import io.commslib.core.inmemory.InMemoryTransaction;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.SystemRuntime;
import io.commslib.idempotency.InMemoryInbox;
import io.commslib.kafka.GroupProtocol;
import io.commslib.kafka.KafkaTransport;
import io.commslib.kafka.KafkaTransportConfig;
import io.commslib.testkit.HistoryOp;
import io.commslib.testkit.HistoryWriter;
import io.commslib.testkit.MessageTrace;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * The members of one consumer group: transports of their own over one inbox, whose effects go to
 * one history, so that order is judged over all of them.
 */
final class ChaosGroup implements AutoCloseable {

  static final String NAME = "judged";

  private final String servers;
  private final Destination source;
  private final GroupProtocol protocol;
  private final Consumer<KafkaTransportConfig.Builder> settings;
  private final Consumer<Delivery> work;
  private final HistoryWriter history;
  private final Path file;
  private final SystemRuntime runtime = SystemRuntime.create();
  private final InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();
  private final InMemoryInbox inbox =
      InMemoryInbox.create(transactions, runtime.time(), Duration.ofHours(1));
  private final Set<String> effected = ConcurrentHashMap.newKeySet();
  private final Deque<KafkaTransport> members = new ArrayDeque<>();

  ChaosGroup(
      String servers,
      Destination source,
      Path folder,
      GroupProtocol protocol,
      Consumer<KafkaTransportConfig.Builder> settings,
      Consumer<Delivery> work)
      throws java.io.IOException {
    this.servers = servers;
    this.source = source;
    this.protocol = protocol;
    this.settings = settings;
    this.work = work;
    this.file = folder.resolve("group.jsonl");
    this.history = HistoryWriter.open(file, "chaos", NAME);
  }

  /** Adds a member and waits until it is one. */
  void join() {
    KafkaTransportConfig.Builder config =
        KafkaTransportConfig.builder(servers).groupProtocol(protocol);
    settings.accept(config);
    KafkaTransport member = KafkaTransport.create(config.build());
    members.add(member);
    member.declare(KafkaChaos.declaration(source));
    member
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(source, NAME).transactional(transactions, inbox).build(),
            this::handle);
  }

  /** Closes the member that has been there longest; it drains first. */
  void leave() {
    members.remove().close();
  }

  int size() {
    return members.size();
  }

  private Settlement handle(Delivery delivery) {
    MessageTrace trace = MessageTrace.of(delivery.message());
    history.record(HistoryOp.DELIVER, NAME, trace, delivery.attempt());
    work.accept(delivery);
    delivery
        .transaction()
        .unwrap(InMemoryTransaction.class)
        .onCommit(
            () -> {
              history.record(HistoryOp.EFFECT, NAME, trace, delivery.attempt());
              effected.add(trace.id());
            });
    return Settlement.done();
  }

  int effected() {
    return effected.size();
  }

  Path file() {
    return file;
  }

  @Override
  public void close() {
    while (!members.isEmpty()) {
      leave();
    }
    history.close();
    runtime.close();
  }
}
