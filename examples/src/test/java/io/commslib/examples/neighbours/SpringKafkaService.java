package io.commslib.examples.neighbours;

import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.core.env.MapPropertySource;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.support.serializer.JacksonJsonDeserializer;
import org.springframework.kafka.support.serializer.JacksonJsonSerializer;

/** A service with Spring Kafka: its template, its listeners, its JSON with the type in a header. */
final class SpringKafkaService implements AutoCloseable {

  private final AnnotationConfigApplicationContext context =
      new AnnotationConfigApplicationContext();

  SpringKafkaService(String servers, String topic, String group, Consumer<OrderCreated> orders) {
    context
        .getEnvironment()
        .getPropertySources()
        .addFirst(
            new MapPropertySource(
                "test", Map.of("kafka", servers, "topic", topic, "group", group)));
    context.registerBean(Listener.class, () -> new Listener(orders));
    context.register(Settings.class);
    context.refresh();
  }

  /** Sends an order, and waits until the broker has it. */
  static void send(String servers, String topic, Iterable<OrderCreated> orders) {
    DefaultKafkaProducerFactory<String, Object> producers = producers(servers);
    KafkaTemplate<String, Object> template = new KafkaTemplate<>(producers);
    for (OrderCreated order : orders) {
      template.send(topic, order.customerId(), order);
    }
    template.flush();
    producers.destroy();
  }

  // snippet: spring-kafka-producer
  static DefaultKafkaProducerFactory<String, Object> producers(String servers) {
    return new DefaultKafkaProducerFactory<>(
        Map.of("bootstrap.servers", servers),
        new StringSerializer(),
        new JacksonJsonSerializer<>());
  }

  // end

  // snippet: spring-kafka-consumer
  @Configuration
  @EnableKafka
  static class Settings {

    @Bean
    ConcurrentKafkaListenerContainerFactory<String, Object> kafkaListenerContainerFactory(
        Environment environment) {
      JacksonJsonDeserializer<Object> json = new JacksonJsonDeserializer<>();
      json.addTrustedPackages("io.commslib.examples.neighbours");
      ConcurrentKafkaListenerContainerFactory<String, Object> factory =
          new ConcurrentKafkaListenerContainerFactory<>();
      factory.setConsumerFactory(
          new DefaultKafkaConsumerFactory<>(
              Map.of(
                  "bootstrap.servers",
                  environment.getRequiredProperty("kafka"),
                  "auto.offset.reset",
                  "earliest"),
              new StringDeserializer(),
              json));
      return factory;
    }
  }

  static class Listener {

    private final Consumer<OrderCreated> orders;

    Listener(Consumer<OrderCreated> orders) {
      this.orders = orders;
    }

    @KafkaListener(topics = "${topic}", groupId = "${group}")
    void orderCreated(OrderCreated order) {
      orders.accept(order);
    }
  }

  // end

  @Override
  public void close() {
    context.close();
  }
}
