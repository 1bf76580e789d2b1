package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import io.commslib.core.messaging.SubscribeException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The proof that a queue has exclusive consumers. */
class ExclusiveConsumerTest {

  private static final String IN_USE = "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use";

  private final List<String> closed = new ArrayList<>();
  private int channels;

  /** A connection whose first consumer is accepted, and whose second one gets this answer. */
  private Connection connection(boolean firstStaysOpen, int code, String text) {
    return ClientFakes.of(
        Connection.class,
        (name, arguments) -> {
          String number = Integer.toString(++channels);
          return ClientFakes.of(
              Channel.class,
              (call, parameters) ->
                  switch (call) {
                    case "basicConsume" -> {
                      if (number.equals("2") && code > 0) {
                        throw new IOException(ClientFakes.closed(code, text));
                      }
                      yield "tag";
                    }
                    case "isOpen" -> firstStaysOpen;
                    case "close" -> {
                      closed.add(number);
                      yield null;
                    }
                    default -> null;
                  });
        });
  }

  @Test
  void aRefusedSecondConsumerIsTheProofAndBothHaveLeft() throws Exception {
    ExclusiveConsumer.require(connection(true, AMQP.ACCESS_REFUSED, IN_USE), "q");
    assertThat(closed).containsExactly("2", "1");
  }

  @Test
  void anAcceptedSecondConsumerIsTheContraryAndBothHaveLeft() {
    assertThatThrownBy(() -> ExclusiveConsumer.require(connection(true, 0, ""), "q"))
        .isInstanceOf(SubscribeException.class)
        .hasMessageStartingWith("COMMS-RABBIT-017: exclusive consumer of queue q: not exclusive");
    assertThat(closed).containsExactly("2", "1");
  }

  @Test
  void aChannelThatIsLostDuringTheProofProvesNothing() {
    assertThatThrownBy(
            () -> ExclusiveConsumer.require(connection(false, AMQP.ACCESS_REFUSED, IN_USE), "q"))
        .isInstanceOf(IOException.class)
        .hasMessage("the channel of queue q was lost during the proof");
    assertThat(closed).containsExactly("2", "1");
  }

  @Test
  void anotherFailureOfTheSecondConsumerProvesNothing() {
    assertThatThrownBy(
            () ->
                ExclusiveConsumer.require(
                    connection(true, AMQP.NOT_FOUND, "NOT_FOUND - no queue 'q'"), "q"))
        .isInstanceOf(IOException.class);
    assertThat(closed).containsExactly("2", "1");
  }
}
