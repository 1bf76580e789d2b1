package io.commslib.benchmarks.chaos.broker;

import io.commslib.core.inmemory.InMemoryTransaction;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.time.SystemRuntime;
import io.commslib.idempotency.InMemoryInbox;
import io.commslib.kafka.KafkaTransport;
import io.commslib.kafka.KafkaTransportConfig;
import io.commslib.testkit.history.HistoryOp;
import io.commslib.testkit.history.HistoryWriter;
import io.commslib.testkit.history.MessageTrace;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Members in this JVM: transports of their own over one inbox, whose effects go to one history, so
 * that order is judged over all of them.
 */
final class JvmMembers implements Members {

  private record Member(KafkaTransport transport, Subscription subscription) {}

  private final String servers;
  private final Destination source;
  private final RowSetup setting;
  private final HistoryWriter history;
  private final Path file;
  private final SystemRuntime runtime = SystemRuntime.create();
  private final InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();
  private final InMemoryInbox inbox =
      InMemoryInbox.create(transactions, runtime.time(), Duration.ofHours(1));
  private final Set<String> effected = ConcurrentHashMap.newKeySet();
  private final AtomicInteger highestAttempt = new AtomicInteger();
  private final Deque<Member> members = new ArrayDeque<>();

  JvmMembers(String servers, Destination source, Path folder, RowSetup setting) throws IOException {
    this.servers = servers;
    this.source = source;
    this.setting = setting;
    this.file = folder.resolve("group.jsonl");
    this.history = HistoryWriter.open(file, "chaos", GROUP);
  }

  @Override
  public void join() {
    KafkaTransportConfig.Builder config =
        KafkaTransportConfig.builder(servers).groupProtocol(setting.protocol);
    setting.client.forEach(config::clientSetting);
    setting.transport.accept(config);
    KafkaTransport transport = KafkaTransport.create(config.build());
    transport.declare(
        DestinationConfig.builder(source).partitions(KafkaRowEnvironment.PARTITIONS).build());
    SubscriptionConfig.Builder subscription = SubscriptionConfig.builder(source, GROUP);
    setting.saboteur.set(subscription, transactions, inbox);
    setting.subscription.accept(subscription);
    members.add(
        new Member(
            transport, transport.subscriber().subscribe(subscription.build(), this::handle)));
  }

  @Override
  public void leave() {
    members.remove().transport().close();
  }

  @Override
  public int size() {
    return members.size();
  }

  List<SubscriptionSnapshot> snapshots() {
    return members.stream().map(member -> member.subscription().snapshot()).toList();
  }

  private Settlement handle(Delivery delivery) {
    MessageTrace trace = MessageTrace.of(delivery.message());
    highestAttempt.accumulateAndGet(delivery.attempt(), Math::max);
    history.record(HistoryOp.DELIVER, GROUP, trace, delivery.attempt());
    setting.work.accept(delivery);
    if (setting.saboteur.delays(trace, delivery.attempt())) {
      return Settlement.retry(Saboteur.LATER);
    }
    if (setting.saboteur.forgets(trace)) {
      effected.add(trace.id());
      return Settlement.done();
    }
    delivery
        .transaction()
        .unwrap(InMemoryTransaction.class)
        .onCommit(
            () -> {
              history.record(HistoryOp.EFFECT, GROUP, trace, delivery.attempt());
              effected.add(trace.id());
            });
    return Settlement.done();
  }

  /** Notes that a message stands in the dead letters. */
  void parked(MessageTrace trace) {
    history.record(HistoryOp.PARK, GROUP, trace, 1);
  }

  int highestAttempt() {
    return highestAttempt.get();
  }

  @Override
  public long effected() {
    return effected.size();
  }

  @Override
  public Path history() {
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
