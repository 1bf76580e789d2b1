package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.DefaultSaslConfig;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tls.PeerIdentity;
import io.commslib.core.tls.TlsException;
import io.commslib.core.tls.TlsIdentity;
import io.commslib.http.HttpService;
import io.commslib.http.server.ClientCertificate;
import io.commslib.http.server.HttpAnswer;
import io.commslib.http.server.HttpRoutes;
import io.commslib.http.server.HttpServerComponent;
import io.commslib.kafka.KafkaTransportConfig;
import io.commslib.rabbit.RabbitTransportConfig;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.servers.TestCertificates;
import io.commslib.testkit.servers.TestCertificates.Holder;
import java.net.URI;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
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

  // snippet: rabbit-tls
  SSLContext tls(Path trustStore, Path keyStore, char[] password) throws Exception {
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(KeyStore.getInstance(trustStore.toFile(), password));
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(KeyStore.getInstance(keyStore.toFile(), password), password);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  // end

  @Test
  void loginsAtRabbitByPasswordAndByCertificate() throws Exception {
    TestCertificates certificates = TestCertificates.shared();
    SSLContext tls =
        tls(
            certificates.trustStore(),
            certificates.keyStore(Holder.CLIENT),
            TestCertificates.PASSWORD.toCharArray());
    showsNoSecret(byPassword(tls));
    showsNoSecret(byCertificate(tls));
  }

  private RabbitTransportConfig byPassword(SSLContext tls) {
    // snippet: rabbit-password
    RabbitTransportConfig config =
        RabbitTransportConfig.builder("amqps://orders@rabbit-1,rabbit-2/shop")
            .nativeSettings(
                factory -> {
                  factory.useSslProtocol(tls);
                  factory.setPassword(secrets.get("RABBIT_PASSWORD"));
                })
            .build();
    // end
    return config;
  }

  private static RabbitTransportConfig byCertificate(SSLContext tls) {
    // snippet: rabbit-certificate
    RabbitTransportConfig config =
        RabbitTransportConfig.builder("amqps://rabbit-1,rabbit-2/shop")
            .nativeSettings(
                factory -> {
                  factory.useSslProtocol(tls);
                  factory.setSaslConfig(DefaultSaslConfig.EXTERNAL);
                })
            .build();
    // end
    return config;
  }

  private static List<Object> oneIdentity(CommsRuntime runtime, Resilience resilience) {
    // snippet: tls-identity
    Path folder = Path.of("/etc/orders/tls");
    TlsIdentity identity =
        TlsIdentity.fromFiles(
            folder.resolve("tls.crt"),
            folder.resolve("tls.key"),
            folder.resolve("ca.crt"),
            runtime);
    KafkaTransportConfig kafka =
        KafkaTransportConfig.builder("kafka-1:9094,kafka-2:9094").tls(identity).build();
    RabbitTransportConfig rabbit =
        RabbitTransportConfig.builder("amqps://rabbit-1,rabbit-2/shop")
            .tls(identity)
            .nativeSettings(factory -> factory.setSaslConfig(DefaultSaslConfig.EXTERNAL))
            .build();
    HttpService prices =
        HttpService.builder("pricing", URI.create("https://pricing"))
            .tls(identity)
            .build(resilience);
    Lifecycle lifecycle = Lifecycle.builder().calls(identity).build();
    // end
    return List.of(kafka, rabbit, prices, lifecycle);
  }

  /** The files of the block are those of a service, not of this machine. */
  @Test
  void theFilesOfAnIdentityMustExist() {
    try (SystemRuntime runtime = SystemRuntime.create();
        Resilience resilience = Resilience.create(runtime)) {
      assertThatThrownBy(() -> oneIdentity(runtime, resilience))
          .isInstanceOf(TlsException.class)
          .hasMessageStartingWith("COMMS-TLS-001: chain can't be read: ");
    }
  }

  @Test
  void aServerKnowsItsCallers() throws Exception {
    TestCertificates certificates = TestCertificates.shared();
    Set<String> allowed = Set.of("spiffe://shop.example/orders");
    try (SystemRuntime runtime = SystemRuntime.create();
        TlsIdentity identity =
            TlsIdentity.fromFiles(
                certificates.certificate(Holder.SERVER),
                certificates.key(Holder.SERVER),
                certificates.authority(),
                runtime)) {
      HttpServerComponent server = server(identity, runtime, allowed);
      assertThat(server.name()).isEqualTo("http-stock");
      showsNoSecret(identity);
    }
  }

  private static HttpServerComponent server(
      TlsIdentity identity, CommsRuntime runtime, Set<String> allowed) {
    // snippet: tls-server
    HttpRoutes routes =
        HttpRoutes.builder(runtime)
            .route(
                "GET /stock",
                request ->
                    request
                            .peer()
                            .flatMap(PeerIdentity::spiffeId)
                            .filter(allowed::contains)
                            .isPresent()
                        ? HttpAnswer.ok("17")
                        : HttpAnswer.of(403))
            .build();
    HttpServerComponent server =
        HttpServerComponent.builder("stock", routes, runtime)
            .port(8443)
            .tls(identity, ClientCertificate.REQUIRED)
            .build();
    // end
    return server;
  }
}
