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
 * Members in this JVM, each with its own transport, over one inbox. Their effects go to one
 * history, so that order is judged over all of them.
 */
final class JvmMembers implements GroupMembers {

  private record Member(KafkaTransport transport, Subscription subscription) {}

  private final String servers;
  private final Destination source;
  private final RowSetup setup;
  private final HistoryWriter history;
  private final Path file;
  private final SystemRuntime runtime = SystemRuntime.create();
  private final InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();
  private final InMemoryInbox inbox =
      InMemoryInbox.create(transactions, runtime.time(), Duration.ofHours(1));
  private final Set<String> effectCount = ConcurrentHashMap.newKeySet();
  private final AtomicInteger highestAttempt = new AtomicInteger();
  private final Deque<Member> members = new ArrayDeque<>();

  JvmMembers(String servers, Destination source, Path folder, RowSetup setup) throws IOException {
    this.servers = servers;
    this.source = source;
    this.setup = setup;
    this.file = folder.resolve("group.jsonl");
    this.history = HistoryWriter.open(file, "chaos", GROUP);
  }

  @Override
  public void join() {
    KafkaTransportConfig.Builder config =
        KafkaTransportConfig.builder(servers).groupProtocol(setup.protocol);
    setup.clientSettings.forEach(config::clientSetting);
    setup.transportCustomizer.accept(config);
    KafkaTransport transport = KafkaTransport.create(config.build());
    transport.declare(
        DestinationConfig.builder(source).partitions(KafkaRowEnvironment.PARTITIONS).build());
    SubscriptionConfig.Builder subscription = SubscriptionConfig.builder(source, GROUP);
    setup.saboteur.configure(subscription, transactions, inbox);
    setup.subscriptionCustomizer.accept(subscription);
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
    setup.handlerWork.accept(delivery);
    if (setup.saboteur.delays(trace, delivery.attempt())) {
      return Settlement.retry(BrokerSaboteur.RETRY_DELAY);
    }
    if (setup.saboteur.skipsEffect(trace)) {
      effectCount.add(trace.id());
      return Settlement.done();
    }
    delivery
        .transaction()
        .unwrap(InMemoryTransaction.class)
        .onCommit(
            () -> {
              history.record(HistoryOp.EFFECT, GROUP, trace, delivery.attempt());
              effectCount.add(trace.id());
            });
    return Settlement.done();
  }

  /** Records in the history that a message is in the dead letters. */
  void recordDeadLetter(MessageTrace trace) {
    history.record(HistoryOp.PARK, GROUP, trace, 1);
  }

  int highestAttempt() {
    return highestAttempt.get();
  }

  @Override
  public long effectCount() {
    return effectCount.size();
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
