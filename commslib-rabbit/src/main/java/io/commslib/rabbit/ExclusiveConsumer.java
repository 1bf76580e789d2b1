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
   * Verifies that the broker refuses a second exclusive consumer beside the first one. A quorum
   * queue ignores the flag and accepts it.
   *
   * @throws SubscribeException if it was accepted
   * @throws IOException if the connection fails
   */
  static void requireRefused(Connection connection, String queue) throws IOException {
    Channel second = connection.createChannel();
    try {
      second.basicQos(1);
      second.basicConsume(queue, false, "", false, true, null, new DefaultConsumer(second));
    } catch (IOException e) {
      if (isRefusal(e)) {
        return;
      }
      throw e;
    } finally {
      // Returns to the queue what the second consumer may have got.
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
}
