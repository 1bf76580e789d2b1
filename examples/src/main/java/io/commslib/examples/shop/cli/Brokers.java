package io.commslib.examples.shop.cli;

import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.time.CommsRuntime;
import io.commslib.examples.shop.messages.ShopMessages;
import io.commslib.examples.shop.neighbours.NeighbourDesk;
import io.commslib.kafka.KafkaTransport;
import io.commslib.kafka.KafkaTransportConfig;
import io.commslib.rabbit.RabbitBinding;
import io.commslib.rabbit.RabbitTransport;
import io.commslib.rabbit.RabbitTransportConfig;
import java.time.Duration;
import java.util.function.Function;

/** Opens a service's connection to the broker, the only code that depends on the broker. */
final class Brokers implements AutoCloseable {

  private static final Duration OPERATION_TIMEOUT = Duration.ofSeconds(10);

  private final Function<String, MessageTransport> open;
  private final Runnable close;

  private Brokers(Function<String, MessageTransport> open, Runnable close) {
    this.open = open;
    this.close = close;
  }

  /** Returns the broker of the options, at its address. */
  static Brokers at(
      ShopOptions.Broker broker, String address, CommsRuntime runtime, boolean stableMembers) {
    return switch (broker) {
      case MEMORY -> memory(runtime);
      case KAFKA -> kafka(address, runtime, stableMembers);
      case RABBIT -> rabbit(address, runtime);
    };
  }

  private static Brokers rabbit(String address, CommsRuntime runtime) {
    return new Brokers(
        service ->
            RabbitTransport.create(
                RabbitTransportConfig.builder(address)
                    .connectionName("shop-" + service)
                    .runtime(runtime)
                    .operationTimeout(OPERATION_TIMEOUT)
                    // snippet: desk-queues
                    .bind(NeighbourDesk.RETURNS, RabbitBinding.queue("returns").plain())
                    .bind(ShopMessages.PARCELS, RabbitBinding.queue("parcels").plain())
                    // end
                    .build()),
        () -> {});
  }

  private static Brokers memory(CommsRuntime runtime) {
    InMemoryTransport shared = InMemoryTransport.builder().runtime(runtime).build();
    return new Brokers(service -> new BorrowedTransport(shared), shared::close);
  }

  /**
   * Returns Kafka at an address.
   *
   * @param stableMembers whether a restarted process gets its partitions back immediately; two
   *     processes of a service can't run at the same time then
   */
  private static Brokers kafka(String address, CommsRuntime runtime, boolean stableMembers) {
    return new Brokers(
        service -> {
          KafkaTransportConfig.Builder config =
              KafkaTransportConfig.builder(address)
                  .runtime(runtime)
                  .operationTimeout(OPERATION_TIMEOUT);
          if (stableMembers) {
            config.memberId(service);
          }
          return KafkaTransport.create(config.build());
        },
        () -> {});
  }

  MessageTransport open(String service) {
    return open.apply(service);
  }

  @Override
  public void close() {
    close.run();
  }
}
