package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.DefaultConsumer;
import io.commslib.core.FailureKind;
import io.commslib.core.messaging.SubscribeException;
import java.io.IOException;

/** What the broker's answers prove about exclusive consumers. */
final class ExclusiveConsumer {

  private ExclusiveConsumer() {}

  /** {@return whether the broker refused an exclusive consumer, since the queue has another one} */
  static boolean isRefusal(Throwable failure) {
    RabbitErrors.Close close = RabbitErrors.close(failure);
    return close != null
        && close.code() == AMQP.ACCESS_REFUSED
        && RabbitErrors.isInExclusiveUse(close.text());
  }

  /**
   * Verifies that the broker accepts an exclusive consumer and refuses a second one beside it. A
   * quorum queue ignores the flag and accepts both. Each takes at most one message, and both have
   * left when this returns, so that a refused queue has counted a delivery of no more than two.
   *
   * @throws SubscribeException if the second one was accepted
   * @throws IOException if the first one was refused (see {@link #isRefusal}), or a channel or the
   *     connection is lost
   */
  static void require(Connection connection, String queue) throws IOException {
    Channel first = connection.createChannel();
    try {
      consume(first, queue);
      requireRefused(connection, queue);
      if (!first.isOpen()) {
        // Then the second one may have been refused for another consumer.
        throw new IOException("the channel of queue " + queue + " was lost during the proof");
      }
    } finally {
      RabbitTopology.closeQuietly(first);
    }
  }

  private static void requireRefused(Connection connection, String queue) throws IOException {
    Channel second = connection.createChannel();
    try {
      consume(second, queue);
    } catch (IOException e) {
      if (isRefusal(e)) {
        return;
      }
      throw e;
    } finally {
      RabbitTopology.closeQuietly(second);
    }
    throw new SubscribeException(
        "COMMS-RABBIT-017",
        FailureKind.PERMANENT,
        "exclusive consumer of queue "
            + queue
            + ": not exclusive, since the broker accepted a second one (expected: a classic queue,"
            + " or SINGLE_ACTIVE for a quorum queue)",
        null);
  }

  private static void consume(Channel channel, String queue) throws IOException {
    channel.basicQos(1);
    channel.basicConsume(queue, false, "", false, true, null, new DefaultConsumer(channel));
  }

  /** {@return whether a queue exists and has no consumer now} */
  static boolean hasNoConsumer(Connection connection, String queue) throws IOException {
    Channel channel = connection.createChannel();
    try {
      return channel.queueDeclarePassive(queue).getConsumerCount() == 0;
    } catch (IOException e) {
      if (RabbitErrors.closesChannelOnly(e)) {
        return false;
      }
      throw e;
    } finally {
      RabbitTopology.closeQuietly(channel);
    }
  }
}
