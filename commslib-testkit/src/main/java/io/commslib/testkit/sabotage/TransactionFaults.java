package io.commslib.testkit.sabotage;

import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.core.tx.TransactionWork;
import java.util.concurrent.Callable;
import java.util.function.UnaryOperator;

/** Faults in the transactions that handlers run in. */
final class TransactionFaults {

  private TransactionFaults() {}

  private static MessageTransport with(
      MessageTransport healthy, UnaryOperator<TransactionRunner> fault) {
    return new ForwardingTransport(healthy) {
      @Override
      Subscription subscribe(SubscriptionConfig config, MessageHandler handler) {
        SubscriptionConfig.Builder changed = config.toBuilder();
        config
            .transactions()
            .map(fault)
            .ifPresent(
                runner ->
                    config
                        .inbox()
                        .ifPresentOrElse(
                            inbox -> changed.transactional(runner, inbox),
                            () -> changed.transactional(runner)));
        return super.subscribe(changed.build(), handler);
      }
    };
  }

  static MessageTransport commitsNothing(MessageTransport healthy) {
    return with(
        healthy,
        runner ->
            new Runner(runner) {
              @Override
              public <T, X extends Exception> T run(TransactionWork<T, X> work) throws X {
                return runner.run(
                    tx -> {
                      T result = work.run(tx);
                      tx.setRollbackOnly();
                      return result;
                    });
              }
            });
  }

  static MessageTransport commitsEverything(MessageTransport healthy) {
    return with(
        healthy,
        runner ->
            new Runner(runner) {
              @Override
              public <T, X extends Exception> T run(TransactionWork<T, X> work) throws X {
                Callable<T> outcome =
                    runner.<Callable<T>, X>run(tx -> caught(work, new NeverRollsBack(tx)));
                try {
                  return outcome.call();
                } catch (Exception e) {
                  @SuppressWarnings("unchecked")
                  X failure = (X) e;
                  throw failure;
                }
              }
            });
  }

  private static <T, X extends Exception> Callable<T> caught(
      TransactionWork<T, X> work, TransactionContext tx) {
    try {
      T result = work.run(tx);
      return () -> result;
    } catch (Exception e) {
      return () -> {
        throw e;
      };
    }
  }

  private abstract static class Runner implements TransactionRunner {
    private final TransactionRunner healthy;

    Runner(TransactionRunner healthy) {
      this.healthy = healthy;
    }

    @Override
    public DatabaseId database() {
      return healthy.database();
    }
  }

  private record NeverRollsBack(TransactionContext healthy) implements TransactionContext {
    @Override
    public DatabaseId database() {
      return healthy.database();
    }

    @Override
    public <R> R unwrap(Class<R> type) {
      return healthy.unwrap(type);
    }

    @Override
    public boolean afterCommit(Runnable hook) {
      return healthy.afterCommit(hook);
    }

    @Override
    public void setRollbackOnly() {
      // This is the fault.
    }

    @Override
    public boolean isRollbackOnly() {
      return false;
    }
  }
}
