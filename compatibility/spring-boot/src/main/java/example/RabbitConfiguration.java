package example;

import io.commslib.core.messaging.MessageTransport;
import io.commslib.rabbit.RabbitTransport;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;

@Configuration
@Profile("rabbit")
class RabbitConfiguration {
  @Bean
  MessageTransport transport(@Value("${orders.broker}") String uri) {
    return RabbitTransport.create(uri);
  }
}
