package io.commslib.examples.neighbours;

import java.net.URI;
import java.util.Map;
import java.util.function.Consumer;
import org.springframework.amqp.core.Queue;
import org.springframework.amqp.rabbit.annotation.EnableRabbit;
import org.springframework.amqp.rabbit.annotation.RabbitListener;
import org.springframework.amqp.rabbit.config.SimpleRabbitListenerContainerFactory;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory.ConfirmType;
import org.springframework.amqp.rabbit.connection.ConnectionFactory;
import org.springframework.amqp.rabbit.core.RabbitAdmin;
import org.springframework.amqp.rabbit.core.RabbitTemplate;
import org.springframework.amqp.support.converter.JacksonJsonMessageConverter;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.core.env.MapPropertySource;

/** A service with Spring AMQP: its template, its listeners, its JSON with the type in a header. */
final class SpringAmqpService implements AutoCloseable {

  private static final long CONFIRM_MILLIS = 30_000;

  private final AnnotationConfigApplicationContext context =
      new AnnotationConfigApplicationContext();

  SpringAmqpService(String uri, String queue, Consumer<OrderCreated> orders) {
    context
        .getEnvironment()
        .getPropertySources()
        .addFirst(new MapPropertySource("test", Map.of("rabbit", uri, "queue", queue)));
    context.registerBean(Listener.class, () -> new Listener(orders));
    context.register(Settings.class);
    context.refresh();
  }

  /** Declares the queue, sends orders, and waits until the broker has them. */
  static void send(String uri, String queue, Iterable<OrderCreated> orders) {
    CachingConnectionFactory connections = new CachingConnectionFactory(URI.create(uri));
    connections.setPublisherConfirmType(ConfirmType.SIMPLE);
    new RabbitAdmin(connections).declareQueue(new Queue(queue));
    RabbitTemplate template = template(connections);
    template.invoke(
        operations -> {
          for (OrderCreated order : orders) {
            operations.convertAndSend(queue, order);
          }
          operations.waitForConfirmsOrDie(CONFIRM_MILLIS);
          return null;
        });
    connections.destroy();
  }

  // snippet: spring-amqp-producer
  static RabbitTemplate template(ConnectionFactory connections) {
    RabbitTemplate template = new RabbitTemplate(connections);
    template.setMessageConverter(new JacksonJsonMessageConverter());
    return template;
  }

  // end

  // snippet: spring-amqp-consumer
  @Configuration
  @EnableRabbit
  static class Settings {

    @Bean
    CachingConnectionFactory connections(Environment environment) {
      return new CachingConnectionFactory(URI.create(environment.getRequiredProperty("rabbit")));
    }

    @Bean
    RabbitAdmin admin(ConnectionFactory connections) {
      return new RabbitAdmin(connections);
    }

    @Bean
    Queue orders(Environment environment) {
      return new Queue(environment.getRequiredProperty("queue"));
    }

    @Bean
    SimpleRabbitListenerContainerFactory rabbitListenerContainerFactory(
        ConnectionFactory connections) {
      SimpleRabbitListenerContainerFactory factory = new SimpleRabbitListenerContainerFactory();
      factory.setConnectionFactory(connections);
      factory.setMessageConverter(new JacksonJsonMessageConverter());
      return factory;
    }
  }

  static class Listener {

    private final Consumer<OrderCreated> orders;

    Listener(Consumer<OrderCreated> orders) {
      this.orders = orders;
    }

    @RabbitListener(queues = "${queue}")
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
