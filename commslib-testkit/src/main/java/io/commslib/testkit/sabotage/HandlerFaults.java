package io.commslib.testkit.sabotage;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.tx.TransactionContext;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;

/** Faults in how handlers are run and how their settlements are applied. */
final class HandlerFaults {

  private HandlerFaults() {}

  static MessageTransport with(MessageTransport healthy, UnaryOperator<MessageHandler> fault) {
    return new ForwardingTransport(healthy) {
      @Override
      Subscription subscribe(SubscriptionConfig config, MessageHandler handler) {
        return super.subscribe(config, handler.wrappedIn(fault.apply(handler)));
      }
    };
  }

  /** Replaces one kind of settlement by another. */
  static MessageTransport settling(
      MessageTransport healthy, Settlement.Kind kind, Settlement instead) {
    return with(
        healthy,
        handler ->
            delivery -> {
              Settlement settlement = handler.handle(delivery);
              return settlement != null && settlement.kind() == kind ? instead : settlement;
            });
  }

  static MessageTransport settlesDoneAsGiveBack(MessageTransport healthy) {
    Set<String> once = ConcurrentHashMap.newKeySet();
    return with(
        healthy,
        handler ->
            delivery -> {
              Settlement settlement = handler.handle(delivery);
              return once.add(delivery.message().id()) ? Settlement.giveBack() : settlement;
            });
  }

  /** Publishes the message again behind all others instead of keeping its place. */
  static MessageTransport toTheEnd(MessageTransport healthy, Settlement.Kind kind) {
    return with(
        healthy,
        handler ->
            delivery -> {
              Settlement settlement = handler.handle(delivery);
              if (settlement.kind() != kind) {
                return settlement;
              }
              healthy
                  .publisher()
                  .publish(delivery.destination(), delivery.message())
                  .toCompletableFuture()
                  .get();
              return Settlement.done();
            });
  }

  static MessageTransport retriesInTheWorker(MessageTransport healthy) {
    CountDownLatch never = new CountDownLatch(1);
    return with(
        healthy,
        handler ->
            delivery -> {
              Settlement settlement = handler.handle(delivery);
              Duration delay = settlement.after().orElse(Duration.ZERO);
              return never.await(delay.toNanos(), TimeUnit.NANOSECONDS)
                  ? Settlement.done()
                  : settlement;
            });
  }

  static MessageTransport takesNullForDone(MessageTransport healthy) {
    return with(
        healthy,
        handler ->
            delivery -> {
              Settlement settlement = handler.handle(delivery);
              return settlement == null ? Settlement.done() : settlement;
            });
  }

  static MessageTransport swallowsThrows(MessageTransport healthy) {
    return with(
        healthy,
        handler ->
            delivery -> {
              try {
                return handler.handle(delivery);
              } catch (Throwable swallowed) {
                return Settlement.done();
              }
            });
  }

  static MessageTransport countsOutages(MessageTransport healthy) {
    return with(
        healthy,
        handler ->
            delivery -> {
              try {
                return handler.handle(delivery);
              } catch (CommsException e) {
                throw e.kind() == FailureKind.TRANSIENT
                    ? new IllegalStateException(e.getMessage())
                    : e;
              }
            });
  }

  static MessageTransport runsOneAtATime(MessageTransport healthy) {
    ReentrantLock lock = new ReentrantLock();
    return with(
        healthy,
        handler ->
            delivery -> {
              lock.lockInterruptibly();
              try {
                return handler.handle(delivery);
              } finally {
                lock.unlock();
              }
            });
  }

  static MessageTransport acknowledgesEarly(MessageTransport healthy) {
    return with(
        healthy,
        handler ->
            delivery -> {
              FutureTask<Settlement> ignored = elsewhere(handler, delivery);
              return ignored.isCancelled() ? Settlement.retry() : Settlement.done();
            });
  }

  /** Abandons a handler that overran its deadline and continues while it still runs. */
  static MessageTransport abandonsOverrunHandlers(MessageTransport healthy) {
    return with(
        healthy,
        handler ->
            delivery -> {
              FutureTask<Settlement> run = elsewhere(handler, delivery);
              try {
                return run.get();
              } catch (InterruptedException e) {
                run.cancel(true);
                throw e;
              } catch (ExecutionException e) {
                throw new IllegalStateException(e.getCause());
              }
            });
  }

  private static FutureTask<Settlement> elsewhere(MessageHandler handler, Delivery delivery) {
    FutureTask<Settlement> run = new FutureTask<>(() -> handler.handle(delivery));
    Thread thread = new Thread(run, "saboteur-handler");
    thread.setDaemon(true);
    thread.start();
    return run;
  }

  static MessageTransport miscountsAttempts(MessageTransport healthy) {
    return with(healthy, handler -> delivery -> handler.handle(new AlwaysFirst(delivery)));
  }

  private record AlwaysFirst(Delivery healthy) implements Delivery {
    @Override
    public Message message() {
      return healthy.message();
    }

    @Override
    public ForeignRecord record() {
      return healthy.record();
    }

    @Override
    public Destination destination() {
      return healthy.destination();
    }

    @Override
    public String group() {
      return healthy.group();
    }

    @Override
    public int attempt() {
      return 1;
    }

    @Override
    public int redriveCount() {
      return healthy.redriveCount();
    }

    @Override
    public Duration remaining() {
      return healthy.remaining();
    }

    @Override
    public TransactionContext transaction() {
      return healthy.transaction();
    }
  }
}
