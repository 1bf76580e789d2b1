package io.commslib.benchmarks.chaos.outbox;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.Publisher;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;

/** A deliberate fault, which shows that a row detects it. */
enum OutboxSaboteur {
  /** No fault. */
  NONE,
  /**
   * A relay that deletes rows before the confirmation: it fakes the confirmation and sends later.
   */
  DELETES_BEFORE_CONFIRM,
  /** A relay that decides about rows of shards that it no longer owns. */
  WITHOUT_FENCE,
  /** A consumer without an inbox. */
  WITHOUT_INBOX;

  private static final int UNSENT_MESSAGES = 20;

  /** The row in which each fault must be detected. */
  static final Map<OutboxSaboteur, String> ROWS =
      Map.of(DELETES_BEFORE_CONFIRM, "2", WITHOUT_FENCE, "3", WITHOUT_INBOX, "28");

  private record Unsent(Destination to, Message message) {}

  Publisher wrap(Publisher publisher) {
    if (this != DELETES_BEFORE_CONFIRM) {
      return publisher;
    }
    Deque<Unsent> queue = new ArrayDeque<>();
    return (to, message) -> {
      queue.add(new Unsent(to, message));
      if (queue.size() > UNSENT_MESSAGES) {
        Unsent first = queue.remove();
        publisher.publish(first.to(), first.message());
      }
      return CompletableFuture.completedFuture(new PublishReceipt(message.id(), to, ""));
    };
  }

  DataSource wrap(DataSource source) {
    return this == WITHOUT_FENCE ? rewriting(source, OutboxSaboteur::removeFence) : source;
  }

  private static String removeFence(String sql) {
    if (sql.endsWith("AND epoch = ? FOR UPDATE")) {
      return sql.replace("owner = ? AND epoch = ?", "(owner = ? OR epoch = ? OR 1 = 1)");
    }
    // It never learns that another relay has taken a shard.
    return sql.startsWith("SELECT shard, epoch FROM")
        ? sql.replace("owner = ?", "(owner = ? OR 1 = 1)")
        : sql;
  }

  private static DataSource rewriting(DataSource source, UnaryOperator<String> change) {
    return proxy(
        DataSource.class,
        source,
        result ->
            result instanceof Connection connection
                ? proxy(Connection.class, connection, UnaryOperator.identity(), change)
                : result,
        UnaryOperator.identity());
  }

  private static <T> T proxy(
      Class<T> type, T target, UnaryOperator<Object> results, UnaryOperator<String> texts) {
    Object proxy =
        Proxy.newProxyInstance(
            OutboxSaboteur.class.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> {
              if (arguments != null && arguments.length > 0 && arguments[0] instanceof String sql) {
                arguments[0] = texts.apply(sql);
              }
              try {
                return results.apply(method.invoke(target, arguments));
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
    return type.cast(proxy);
  }
}
