package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tls.TlsIdentity;
import io.commslib.testkit.servers.TestCertificates;
import io.commslib.testkit.servers.TestCertificates.Holder;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KafkaTransportConfigTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "kafka://user:SECRET@host:9092 | kafka://***@host:9092",
        "SASL_SSL://user:SECRET@host:9092 | ***@host:9092",
        "user:SECRET@host:9092 | ***@host:9092",
        "SECRET@host:9092 | ***@host:9092",
        "user:SEC@RET@host:9092 | ***@host:9092",
        "h1:9092,user:SECRET@h2:9092 | ***@h2:9092",
        "::1:9092 | ::1:9092",
        "[::1:9092 | [::1:9092",
        "u:SECRET@h1:9092,u:SECRET@h2:9092 | ***@h2:9092"
      })
  void anAddressWithUserAndPasswordIsRejectedWithoutQuotingThem(String servers, String shown) {
    assertThatThrownBy(() -> KafkaTransport.create(servers))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("bootstrapServers: '" + shown + "' (expected: host:port,host:port,...)");
  }

  @Test
  void anIpv6AddressAndAnUnderscoreAreAccepted() {
    String servers = "[::1]:9092,kafka_1:9092,[2001:db8::1]:9093";
    try (KafkaTransport transport = KafkaTransport.create(servers)) {
      assertThat(transport.name()).isEqualTo("kafka");
    }
  }

  @Test
  void severalHostsWithPortsAreAccepted() {
    String servers = "kafka-1.example.org:9092,10.0.0.2:9093";
    assertThat(KafkaTransportConfig.builder(servers).build().bootstrapServers()).isEqualTo(servers);
  }

  @ParameterizedTest
  @CsvSource({
    "ssl.truststore.location, /trust.p12, "
        + "clientSetting: ssl.truststore.location (expected: no setting of TLS beside tls(...))",
    "ssl.endpoint.identification.algorithm, none, clientSetting:"
        + " ssl.endpoint.identification.algorithm (expected: no setting of TLS beside tls(...))",
    "security.protocol, PLAINTEXT, "
        + "security.protocol: PLAINTEXT (expected: SSL or SASL_SSL with tls(...))"
  })
  void aSettingThatContradictsAnIdentityIsRefused(String name, String value, String text) {
    TestCertificates certificates = TestCertificates.shared();
    try (SystemRuntime runtime = SystemRuntime.create();
        TlsIdentity identity =
            TlsIdentity.fromFiles(
                certificates.certificate(Holder.CLIENT),
                certificates.key(Holder.CLIENT),
                certificates.authority(),
                runtime)) {
      KafkaTransportConfig.Builder config = KafkaTransportConfig.builder("h:1").tls(identity);
      assertThat(config.build().clientSettings()).containsEntry("security.protocol", "SSL");
      config.clientSetting(name, value);
      assertThatThrownBy(config::build)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(text);
    }
  }

  @Test
  void aFactoryOfEnginesWithoutAnIdentityIsRefused() {
    assertThatThrownBy(() -> new IdentitySslEngineFactory().configure(Map.of()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "commslib.tls.identity: none (expected: set by tls(...) of KafkaTransportConfig)");
  }
}
