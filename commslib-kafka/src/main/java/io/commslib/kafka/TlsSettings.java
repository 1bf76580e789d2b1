package io.commslib.kafka;

import io.commslib.core.checks.Checks;
import io.commslib.core.tls.TlsIdentity;
import java.util.HashMap;
import java.util.Map;

/** The client settings that make Kafka's clients use a {@link TlsIdentity}. */
final class TlsSettings {

  private static final String PROTOCOL = "security.protocol";

  private TlsSettings() {}

  /** Refuses settings that the identity replaces, since they would have no effect. */
  static void check(Map<String, Object> settings) {
    for (Map.Entry<String, Object> setting : settings.entrySet()) {
      String name = setting.getKey();
      Checks.check(
          !name.startsWith("ssl."), "clientSetting", name, "no setting of TLS beside tls(...)");
      Checks.check(
          !name.equals(PROTOCOL) || String.valueOf(setting.getValue()).endsWith("SSL"),
          PROTOCOL,
          setting.getValue(),
          "SSL or SASL_SSL with tls(...)");
    }
  }

  /** Adds the identity; the client passes the setting on to the factory that it creates. */
  static Map<String, Object> with(TlsIdentity identity, Map<String, Object> settings) {
    Map<String, Object> all = new HashMap<>(settings);
    boolean hasLogin = settings.keySet().stream().anyMatch(name -> name.startsWith("sasl."));
    all.putIfAbsent(PROTOCOL, hasLogin ? "SASL_SSL" : "SSL");
    all.put("ssl.engine.factory.class", IdentitySslEngineFactory.class);
    all.put(IdentitySslEngineFactory.IDENTITY, identity);
    return Map.copyOf(all);
  }
}
