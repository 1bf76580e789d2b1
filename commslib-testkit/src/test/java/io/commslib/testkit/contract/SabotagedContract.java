package io.commslib.testkit.contract;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.inmemory.InMemoryHarness;
import io.commslib.testkit.sabotage.Saboteur;
import java.time.Duration;

/**
 * The contract on an in-memory transport that a saboteur breaks; run by {@link SaboteurTest} only.
 */
class SabotagedContract extends MessageTransportContract {

  /** The saboteur of the test that runs on this thread. */
  static final ThreadLocal<Saboteur> SABOTEUR = new ThreadLocal<>();

  @Override
  protected TransportHarness createHarness(CommsObserver observer) {
    Saboteur saboteur = SABOTEUR.get();
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
