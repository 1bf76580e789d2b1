package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A proof that the broker's answers do not give. */
class SingleActiveProofTest {

  private final List<Object> declared = new ArrayList<>();

  /** A connection whose channels refuse each declaration. */
  private Connection refusing(int code, String text) {
    Channel channel =
        ClientFakes.of(
            Channel.class,
            (name, arguments) -> {
              if (name.equals("queueDeclare")) {
                declared.add(arguments[4]);
                throw new IOException(ClientFakes.closed(code, text));
              }
              return null;
            });
    return ClientFakes.of(Connection.class, (name, arguments) -> channel);
  }

  @Test
  void withoutTheRightToDeclareItIsRefusedUnlessItIsAssumed() throws Exception {
    Connection connection =
        refusing(AMQP.ACCESS_REFUSED, "ACCESS_REFUSED - access to queue 'q' in vhost '/' refused");
    assertThatThrownBy(() -> SingleActiveProof.require(connection, "q", false))
        .hasMessage(
            "COMMS-RABBIT-017: single active consumer of queue q: not proved, since ACCESS_REFUSED -"
                + " access to queue 'q' in vhost '/' refused (expected: the configure permission on"
                + " the queue, or RabbitBinding.assumed, or an unordered subscription)");
    SingleActiveProof.require(connection, "q", true);
  }

  @Test
  void aTextThatTheLibraryDoesNotKnowIsNoProof() {
    for (String text :
        List.of(
            "PRECONDITION_FAILED - something else",
            "PRECONDITION_FAILED - inequivalent arg 'x-y' for queue 'q' in vhost '/': received none"
                + " but current is a table",
            "PRECONDITION_FAILED - inequivalent arg 'x-y' for queue 'q' in vhost '/': received none"
                + " but current is the value 'a' of type 'longstr'")) {
      declared.clear();
      Connection connection = refusing(AMQP.PRECONDITION_FAILED, text);
      assertThatThrownBy(() -> SingleActiveProof.require(connection, "q", false))
          .hasMessageStartingWith("COMMS-RABBIT-017: ")
          .hasMessageContaining(text);
      assertThat(declared).hasSizeLessThanOrEqualTo(2);
    }
  }

  @Test
  void theContraryIsRefusedAlsoIfItIsAssumed() {
    Connection connection =
        refusing(
            AMQP.PRECONDITION_FAILED,
            "PRECONDITION_FAILED - inequivalent arg 'x-single-active-consumer' for queue 'q' in"
                + " vhost '/': received the value 'true' of type 'bool' but current is none");
    assertThatThrownBy(() -> SingleActiveProof.require(connection, "q", true))
        .hasMessageStartingWith("COMMS-RABBIT-017: single active consumer of queue q: none ");
  }

  @Test
  void theContraryIsFoundInATextThatTheBrokerCut() {
    Connection connection =
        refusing(
            AMQP.PRECONDITION_FAILED,
            "PRECONDITION_FAILED - inequivalent arg 'x-single-active-consumer' for queue '"
                + "q".repeat(170));
    assertThatThrownBy(() -> SingleActiveProof.require(connection, "q", true))
        .hasMessageStartingWith("COMMS-RABBIT-017: single active consumer of queue q: none ");
  }

  @Test
  void aChannelThatIsLostDuringTheProofProvesNothingAndIsThrown() {
    Channel lost =
        ClientFakes.of(
            Channel.class,
            (name, arguments) -> {
              if (name.startsWith("queueDeclare")) {
                throw new AlreadyClosedException(
                    ClientFakes.closed(AMQP.CONNECTION_FORCED, "CONNECTION_FORCED - stopped"));
              }
              return null;
            });
    Connection connection = ClientFakes.of(Connection.class, (name, arguments) -> lost);
    assertThatThrownBy(() -> SingleActiveProof.require(connection, "q", true))
        .isInstanceOf(AlreadyClosedException.class);
  }

  @Test
  void aFailureThatIsNoAnswerProvesNothingAndIsThrown() {
    Connection connection =
        refusing(AMQP.CONNECTION_FORCED, "CONNECTION_FORCED - broker forced connection closure");
    assertThatThrownBy(() -> SingleActiveProof.require(connection, "q", true))
        .isInstanceOf(IOException.class);
    assertThat(declared).hasSize(1);
  }
}
