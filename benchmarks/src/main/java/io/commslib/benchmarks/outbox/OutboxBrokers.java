package io.commslib.benchmarks.outbox;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.MessageProperties;
import io.commslib.benchmarks.measure.CountingSink;
import io.commslib.benchmarks.measure.ProcessorTime;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Publisher;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** A relay that publishes to real brokers, and the brokers' own clients with the same messages. */
final class OutboxBrokers {

  private static final int UNCONFIRMED = 2_000;

  private OutboxBrokers() {}

  /** Returns messages per second, published from the outbox to the broker and deleted. */
  static double relay(
      OutboxTestbed testbed,
      MessageTransport transport,
      int messages,
      int keys,
      ProcessorTime processor)
      throws Exception {
    CountingSink published = new CountingSink();
    return testbed.withRelay(
        testbed.outbox,
        counting(transport, published),
        () -> {
          testbed.execute("TRUNCATE " + OutboxTestbed.MESSAGES);
          return testbed.addAndDrain(messages, keys, published::messages, processor);
        });
  }

  /** Measures the messages per second of a client alone. */
  interface BareClient {
    /**
     * Runs the client.
     *
     * @param ready called when everything is prepared, immediately before the time begins
     */
    double run(Runnable ready, ProcessorTime processor) throws Exception;
  }

  /**
   * Returns the messages per second that a relay to a sink and a bare client both reach when they
   * begin together and have nothing to do with each other: what the machine has for the two.
   */
  static double sideBySide(
      OutboxTestbed testbed, BareClient client, int messages, ProcessorTime processor)
      throws Exception {
    CountingSink sink = new CountingSink();
    CyclicBarrier begin = new CyclicBarrier(2);
    ExecutorService beside = Executors.newSingleThreadExecutor();
    try {
      return testbed.withRelay(
          testbed.outbox,
          sink,
          () -> {
            testbed.execute("TRUNCATE " + OutboxTestbed.MESSAGES);
            Future<Double> ofClient =
                beside.submit(() -> client.run(() -> await(begin), new ProcessorTime()));
            double ofRelay =
                testbed.addAndDrain(
                    messages, OutboxTestbed.KEYS, sink::messages, () -> await(begin), processor);
            return Math.min(ofRelay, ofClient.get());
          });
    } finally {
      beside.shutdownNow();
    }
  }

  private static void await(CyclicBarrier barrier) {
    try {
      barrier.await(1, TimeUnit.MINUTES);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  static void declare(MessageTransport transport) {
    transport.declare(
        DestinationConfig.builder(OutboxTestbed.DESTINATION).partitions(4).group("bench").build());
  }

  private static MessageTransport counting(MessageTransport transport, CountingSink published) {
    return (MessageTransport)
        java.lang.reflect.Proxy.newProxyInstance(
            OutboxBrokers.class.getClassLoader(),
            new Class<?>[] {MessageTransport.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("publisher")) {
                Publisher publisher = transport.publisher();
                return (Publisher)
                    (Destination to, Message message) -> {
                      // Counts calls: a stage for each message would cost as much as a send.
                      published.count();
                      return publisher.publish(to, message);
                    };
              }
              return method.invoke(transport, arguments);
            });
  }

  /** Returns messages per second of a bare producer with acknowledgement by all replicas. */
  static double kafkaProducer(
      String servers, String compression, int messages, Runnable ready, ProcessorTime processor)
      throws Exception {
    byte[][] bodies = bodies(messages);
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers",
            servers,
            "acks",
            "all",
            "enable.idempotence",
            true,
            "compression.type",
            compression);
    try (KafkaProducer<String, byte[]> producer =
        new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer())) {
      producer.partitionsFor("bench");
      CountDownLatch left = new CountDownLatch(messages);
      AtomicReference<Exception> failed = new AtomicReference<>();
      ready.run();
      processor.begin();
      long start = System.nanoTime();
      for (int n = 0; n < messages; n++) {
        ProducerRecord<String, byte[]> entry =
            new ProducerRecord<>("bench", "k" + n % 1_000, bodies[n]);
        headers(n).forEach((name, value) -> entry.headers().add(name, bytes(value)));
        var unused =
            producer.send(
                entry,
                (metadata, failure) -> {
                  if (failure != null) {
                    failed.set(failure);
                  }
                  left.countDown();
                });
      }
      producer.flush();
      left.await();
      if (failed.get() != null) {
        throw failed.get();
      }
      double perSecond = messages * 1e9 / (System.nanoTime() - start);
      processor.end(messages);
      return perSecond;
    }
  }

  /** The bodies of messages, made before the time is taken. */
  private static byte[][] bodies(int messages) {
    byte[][] bodies = new byte[messages][];
    for (int n = 0; n < messages; n++) {
      bodies[n] = OutboxTestbed.body(n);
    }
    return bodies;
  }

  private static Map<String, String> headers(int n) {
    return Map.of(
        "ce_specversion", "1.0",
        "ce_id", "m" + n,
        "ce_source", "/",
        "ce_type", "bench.happened",
        "ce_partitionkey", "k" + n % 1_000,
        "content-type", "application/octet-stream");
  }

  private static byte[] bytes(String value) {
    return value.getBytes(StandardCharsets.UTF_8);
  }

  private static Connection connect(String uri) throws Exception {
    ConnectionFactory factory = new ConnectionFactory();
    factory.setUri(uri);
    return factory.newConnection();
  }

  /** Deletes all messages of the queue that {@link #declare} created. */
  static void purgeRabbit(String uri) throws Exception {
    try (Connection connection = connect(uri);
        Channel channel = connection.createChannel()) {
      channel.queuePurge("bench@bench");
    }
  }

  /**
   * Returns messages per second of a bare channel with publisher confirms, at most 2,000
   * unconfirmed.
   */
  static double rabbitChannel(String uri, int messages, Runnable ready, ProcessorTime processor)
      throws Exception {
    byte[][] bodies = bodies(messages);
    try (Connection connection = connect(uri);
        Channel channel = connection.createChannel()) {
      channel.exchangeDeclarePassive("bench");
      channel.confirmSelect();
      ready.run();
      processor.begin();
      long start = System.nanoTime();
      for (int n = 0; n < messages; n++) {
        Map<String, Object> headers = new java.util.HashMap<>(headers(n));
        AMQP.BasicProperties properties =
            MessageProperties.PERSISTENT_BASIC.builder().headers(headers).build();
        channel.basicPublish("bench", "k" + n % 1_000, true, properties, bodies[n]);
        if (n % UNCONFIRMED == UNCONFIRMED - 1) {
          channel.waitForConfirmsOrDie(60_000);
        }
      }
      channel.waitForConfirmsOrDie(60_000);
      double perSecond = messages * 1e9 / (System.nanoTime() - start);
      processor.end(messages);
      return perSecond;
    }
  }
}
