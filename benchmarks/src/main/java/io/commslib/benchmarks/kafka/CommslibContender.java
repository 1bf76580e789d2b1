package io.commslib.benchmarks.kafka;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.StartPosition;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.SystemRuntime;
import io.commslib.kafka.Compression;
import io.commslib.kafka.KafkaTransport;
import io.commslib.kafka.KafkaTransportConfig;
import java.util.Locale;
import java.util.UUID;

/** The library: keyed publishes, and keyed consumption with a settlement of each message. */
final class CommslibContender implements Contender {

  private static final int PARTITIONS = 8;
  private static final int MAX_WORKERS = 1_000;
  private static final int IN_FLIGHT = 10_000;

  private final String servers;
  private final SystemRuntime runtime;

  CommslibContender(String servers, SystemRuntime runtime) {
    this.servers = servers;
    this.runtime = runtime;
  }

  private KafkaTransport transport(Destination topic, String compression) {
    KafkaTransport transport =
        KafkaTransport.create(
            KafkaTransportConfig.builder(servers)
                .runtime(runtime)
                .compression(Compression.valueOf(compression.toUpperCase(Locale.ROOT)))
                .build());
    transport.declare(DestinationConfig.builder(topic).partitions(PARTITIONS).build());
    return transport;
  }

  @Override
  public Figures publish(ContenderTask task) throws Exception {
    Meter meter = new Meter(task.number("records"));
    byte[][] bodies = HandlerWork.bodies();
    Destination topic = Destination.topic(task.topic());
    try (KafkaTransport transport = transport(topic, task.compression())) {
      meter.start();
      for (int i = 0; i < task.number("records"); i++) {
        Message message =
            Message.builder("bench.event")
                .id("m" + i)
                .key("k" + i % task.number("keys"))
                .sharedBody(bodies[i % bodies.length])
                .build();
        transport
            .publisher()
            .publish(topic, message)
            .whenComplete(
                (receipt, failure) -> {
                  if (failure == null) {
                    meter.count();
                  } else {
                    meter.fail(failure);
                  }
                });
      }
      return meter.await();
    }
  }

  @Override
  public Figures consume(ContenderTask task) throws Exception {
    Meter meter = new Meter(task.number("records"));
    int millis = task.number("millis");
    Destination topic = Destination.topic(task.topic());
    try (KafkaTransport transport = transport(topic, "none")) {
      SubscriptionConfig config =
          SubscriptionConfig.builder(topic, "g" + UUID.randomUUID())
              .startAt(StartPosition.EARLIEST)
              .workers(Math.min(MAX_WORKERS, task.number("threads")))
              .maxInFlight(IN_FLIGHT)
              .build();
      Subscription subscription =
          transport
              .subscriber()
              .subscribe(
                  config,
                  delivery -> {
                    if (HandlerWork.touch(delivery.message().sharedBodyBuffer())) {
                      HandlerWork.park(millis);
                      meter.count();
                    }
                    return Settlement.done();
                  });
      Figures figures = meter.await();
      subscription.close();
      return figures;
    }
  }
}
