package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.kafka.KafkaTransportConfig;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * The blocks of docs/security.md. The same settings are tested on secured brokers in the modules of
 * the adapters.
 */
class SecuritySnippetTest {

  private final Map<String, String> secrets =
      Map.of(
          "TRUST_PASSWORD", "SECRET1",
          "KAFKA_PASSWORD", "SECRET2",
          "KEY_PASSWORD", "SECRET3",
          "RABBIT_PASSWORD", "SECRET4");

  private static void showsNoSecret(Object config) {
    assertThat(config.toString()).isNotBlank().doesNotContain("SECRET");
  }

  @Test
  void aLoginByPasswordAtKafka() {
    // snippet: kafka-scram
    KafkaTransportConfig config =
        KafkaTransportConfig.builder("kafka-1:9093,kafka-2:9093")
            .clientSetting("security.protocol", "SASL_SSL")
            .clientSetting("ssl.truststore.type", "PKCS12")
            .clientSetting("ssl.truststore.location", "/etc/orders/trust.p12")
            .clientSetting("ssl.truststore.password", secrets.get("TRUST_PASSWORD"))
            .clientSetting("sasl.mechanism", "SCRAM-SHA-512")
            .clientSetting(
                "sasl.jaas.config",
                "org.apache.kafka.common.security.scram.ScramLoginModule required"
                    + " username=\"orders\" password=\""
                    + secrets.get("KAFKA_PASSWORD")
                    + "\";")
            .build();
    // end
    showsNoSecret(config);
  }

  @Test
  void aLoginByCertificateAtKafka() {
    // snippet: kafka-certificate
    KafkaTransportConfig config =
        KafkaTransportConfig.builder("kafka-1:9094,kafka-2:9094")
            .clientSetting("security.protocol", "SSL")
            .clientSetting("ssl.truststore.type", "PKCS12")
            .clientSetting("ssl.truststore.location", "/etc/orders/trust.p12")
            .clientSetting("ssl.truststore.password", secrets.get("TRUST_PASSWORD"))
            .clientSetting("ssl.keystore.type", "PKCS12")
            .clientSetting("ssl.keystore.location", "/etc/orders/orders.p12")
            .clientSetting("ssl.keystore.password", secrets.get("KEY_PASSWORD"))
            .build();
    // end
    showsNoSecret(config);
  }
}
