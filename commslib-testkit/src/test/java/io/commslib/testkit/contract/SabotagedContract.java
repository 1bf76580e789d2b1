package io.commslib.testkit.contract;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.inmemory.InMemoryHarness;
import io.commslib.testkit.sabotage.Saboteur;
import java.time.Duration;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The contract on an in-memory transport in the hands of a saboteur; run by {@link SaboteurTest}
 * only.
 */
class SabotagedContract extends MessageTransportContract {

  static final String SABOTEUR = "commslib.saboteur";

  private Saboteur saboteur;

  @RegisterExtension
  final BeforeEachCallback choice =
      (ExtensionContext context) ->
          saboteur = Saboteur.valueOf(context.getConfigurationParameter(SABOTEUR).orElseThrow());

  @Override
  protected TransportHarness createHarness(CommsObserver observer) {
    InMemoryHarness healthy = new InMemoryHarness(saboteur.sabotage(observer));
    MessageTransport spoilt = saboteur.sabotage(healthy.transport());
    return new TransportHarness() {
      @Override
      public MessageTransport transport() {
        return spoilt;
      }

      @Override
      public void publishForeign(Destination to, String key, byte[] body) {
        healthy.publishForeign(to, key, body);
      }

      @Override
      public int maxMessageBytes() {
        return healthy.maxMessageBytes();
      }

      @Override
      public Duration limit() {
        return Duration.ofSeconds(2);
      }

      @Override
      public void close() {
        healthy.close();
      }
    };
  }
}
