package io.commslib.kafka;

import io.commslib.core.tls.TlsIdentity;
import java.security.KeyStore;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.apache.kafka.common.security.auth.SslEngineFactory;
import org.jspecify.annotations.Nullable;

/**
 * Makes the TLS engines of Kafka's clients with a {@link TlsIdentity}. Kafka's clients create it;
 * applications call {@link KafkaTransportConfig.Builder#tls}. Thread-safe.
 */
public final class IdentitySslEngineFactory implements SslEngineFactory {

  /** The client setting with the identity as an object. */
  static final String IDENTITY = "commslib.tls.identity";

  private volatile @Nullable TlsIdentity identity;

  /** Creates a factory; called by Kafka's clients. */
  public IdentitySslEngineFactory() {
    // Kafka's clients pass the identity to configure.
  }

  /**
   * Takes the identity from the settings of the client.
   *
   * @param settings all settings
   * @throws IllegalStateException if they have no identity
   */
  @Override
  public void configure(Map<String, ?> settings) {
    if (!(settings.get(IDENTITY) instanceof TlsIdentity passed)) {
      throw new IllegalStateException(
          IDENTITY + ": none (expected: set by tls(...) of KafkaTransportConfig)");
    }
    identity = passed;
  }

  private SSLEngine engine(String host, int port) {
    TlsIdentity known = identity;
    if (known == null) {
      throw new IllegalStateException("configure (expected: called before)");
    }
    return known.sslContext().createSSLEngine(host, port);
  }

  /** {@return an engine with the current material of the identity} */
  @Override
  public SSLEngine createClientSslEngine(String host, int port, String endpointIdentification) {
    SSLEngine engine = engine(host, port);
    engine.setUseClientMode(true);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm(endpointIdentification);
    engine.setSSLParameters(parameters);
    return engine;
  }

  /** {@return an engine for a broker, which asks for a certificate of its client} */
  @Override
  public SSLEngine createServerSslEngine(String host, int port) {
    SSLEngine engine = engine(host, port);
    engine.setUseClientMode(false);
    engine.setNeedClientAuth(true);
    return engine;
  }

  /** {@return false: each new engine has the current material} */
  @Override
  public boolean shouldBeRebuilt(Map<String, Object> nextSettings) {
    return false;
  }

  /** {@return none} */
  @Override
  public Set<String> reconfigurableConfigs() {
    return Set.of();
  }

  /** {@return null: the keys are those of the identity} */
  @Override
  public @Nullable KeyStore keystore() {
    return null;
  }

  /** {@return null: the authorities are those of the identity} */
  @Override
  public @Nullable KeyStore truststore() {
    return null;
  }

  /** Does nothing: the identity is that of the application. */
  @Override
  public void close() {
    // See the Javadoc.
  }
}
