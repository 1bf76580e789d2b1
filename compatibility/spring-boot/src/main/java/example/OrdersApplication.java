package example;

import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Settlement;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.kafka.KafkaTransport;
import io.commslib.service.Comms;
import io.commslib.spring.SpringTransactionRunner;
import io.commslib.spring.SpringTransactions;
import javax.sql.DataSource;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Profile;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Service;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.annotation.Transactional;

@SpringBootApplication
public class OrdersApplication {
  record OrderPlaced(String orderId, int pieces) {}

  private static final Destination ORDERS = Destination.topic("orders");

  public static void main(String[] args) {
    SpringApplication.run(OrdersApplication.class, args);
  }

  @Bean
  JdbcDatabase database(DataSource pool) {
    return JdbcDatabase.builder(pool).build();
  }

  @Bean
  @Profile("!rabbit")
  MessageTransport transport(@Value("${orders.broker}") String bootstrapServers) {
    return KafkaTransport.create(bootstrapServers);
  }

  @Bean
  Comms comms(
      JdbcDatabase database,
      MessageTransport transport,
      PlatformTransactionManager manager,
      Stock stock) {
    return Comms.service("orders")
        .database(database)
        .transactions(SpringTransactionRunner.create(manager, database))
        .transport(transport)
        .type("order.placed", OrderPlaced.class)
        .subscribe("stock", ORDERS, on -> on.on(OrderPlaced.class, stock::reserve))
        .applySchemas()
        .withoutShutdownHook()
        .start();
  }

  @Bean
  CommandLineRunner placeOne(Orders orders, @Value("${orders.first}") String id) {
    return args -> orders.place(id, 3);
  }

  @Service
  static class Orders {
    private final JdbcTemplate jdbc;
    private final JdbcDatabase database;
    private final Comms comms;

    Orders(JdbcTemplate jdbc, JdbcDatabase database, Comms comms) {
      this.jdbc = jdbc;
      this.database = database;
      this.comms = comms;
    }

    @Transactional
    public void place(String id, int pieces) {
      jdbc.update("INSERT INTO orders (id, pieces) VALUES (?, ?)", id, pieces);
      comms.publish(SpringTransactions.current(database), ORDERS, new OrderPlaced(id, pieces), id);
    }
  }

  @Service
  static class Stock {
    private final JdbcTemplate jdbc;

    Stock(JdbcTemplate jdbc) {
      this.jdbc = jdbc;
    }

    Settlement reserve(OrderPlaced event, Delivery delivery) {
      jdbc.update("UPDATE stock SET pieces = pieces - ?", event.pieces());
      return Settlement.done();
    }
  }
}
