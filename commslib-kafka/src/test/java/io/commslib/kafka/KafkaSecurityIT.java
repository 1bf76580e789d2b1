package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tls.TlsIdentity;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.SecureKafkaServer;
import io.commslib.testkit.servers.SecureKafkaServer.Listener;
import io.commslib.testkit.servers.TestCertificates;
import io.commslib.testkit.servers.TestCertificates.Holder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.acl.AclBinding;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** TLS, SASL, client certificates and ACLs, all on one secured broker. */
class KafkaSecurityIT {

  private static final String SECRET = "SECRET4711";
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final Destination TOPIC = Destination.topic("secured");

  private static SecureKafkaServer server;
  private static Admin admin;

  @BeforeAll
  static void start() throws Exception {
    Map<String, String> users = new LinkedHashMap<>(KafkaRights.users());
    users.put("stranger", SECRET);
    server = SecureKafkaServer.start(users);
    admin = Admin.create(Map.of("bootstrap.servers", server.bootstrapServers(Listener.ADMIN)));
    admin
        .alterUserScramCredentials(
            List.of(
                new UserScramCredentialUpsertion(
                    "scram", new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), SECRET)))
        .all()
        .get(20, TimeUnit.SECONDS);
    List<AclBinding> rights = new ArrayList<>();
    for (String user : List.of("scram", TestCertificates.CLIENT_NAME)) {
      for (String operation : List.of("CREATE", "DESCRIBE", "READ", "WRITE")) {
        rights.add(KafkaRights.binding(user, "topics `secured*`", operation));
      }
      rights.add(KafkaRights.binding(user, "groups `secured*`", "READ"));
    }
    new KafkaRights(server, admin).grant(rights);
  }

  @AfterAll
  static void stop() {
    if (admin != null) {
      admin.close();
    }
    if (server != null) {
      server.close();
    }
  }

  private static KafkaTransportConfig.Builder tls(Listener listener) {
    return KafkaTransportConfig.builder(server.bootstrapServers(listener))
        .operationTimeout(Duration.ofSeconds(5))
        .publishTimeout(Duration.ofSeconds(5))
        .clientSetting("security.protocol", "SSL")
        .clientSetting("ssl.truststore.type", "PKCS12")
        .clientSetting("ssl.truststore.location", TestCertificates.shared().trustStore().toString())
        .clientSetting("ssl.truststore.password", TestCertificates.PASSWORD);
  }

  private static KafkaTransportConfig.Builder certified() {
    return tls(Listener.CERTIFICATE)
        .clientSetting("ssl.keystore.type", "PKCS12")
        .clientSetting(
            "ssl.keystore.location", TestCertificates.shared().keyStore(Holder.CLIENT).toString())
        .clientSetting("ssl.keystore.password", TestCertificates.PASSWORD);
  }

  /** A client that logs in by SCRAM. */
  private static KafkaTransportConfig.Builder scram(Listener listener, String password) {
    return login(tls(listener).clientSetting("security.protocol", "SASL_SSL"), password);
  }

  private static KafkaTransportConfig.Builder login(
      KafkaTransportConfig.Builder config, String password) {
    return config
        .clientSetting("sasl.mechanism", "SCRAM-SHA-512")
        .clientSetting(
            "sasl.jaas.config",
            "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"scram\""
                + " password=\""
                + password
                + "\";");
  }

  @Test
  void loginsByPasswordAndByCertificatePublishAndConsume() {
    List<KafkaTransportConfig> clients =
        List.of(scram(Listener.SASL, SECRET).build(), certified().build());
    for (KafkaTransportConfig client : clients) {
      CompletableFuture<String> handled = new CompletableFuture<>();
      try (KafkaTransport transport = KafkaTransport.create(client)) {
        transport.declare(DestinationConfig.builder(TOPIC).partitions(1).build());
        transport
            .subscriber()
            .subscribe(
                SubscriptionConfig.builder(TOPIC, "group" + clients.indexOf(client)).build(),
                delivery -> {
                  handled.complete(delivery.message().id());
                  return Settlement.done();
                });
        CompletableFuture<PublishReceipt> receipt =
            transport
                .publisher()
                .publish(TOPIC, Message.builder("t").id("m" + clients.indexOf(client)).build())
                .toCompletableFuture();
        assertThat(receipt).succeedsWithin(LIMIT);
        assertThat(handled).succeedsWithin(LIMIT);
        assertThat(transport.health().status()).isEqualTo(Health.Status.UP);
      }
    }
  }

  /** An identity with the certificate of the client, which the test may replace. */
  private static TlsIdentity identity(Path folder, SystemRuntime runtime) {
    TestCertificates certificates = TestCertificates.shared();
    Path chain = folder.resolve("tls.crt");
    Path key = folder.resolve("tls.key");
    certificates.install(Holder.CLIENT, chain, key);
    return TlsIdentity.builder(chain, key, certificates.authority(), runtime)
        .checkInterval(Duration.ofMillis(100))
        .build();
  }

  private static KafkaTransportConfig.Builder with(TlsIdentity identity, Listener listener) {
    return KafkaTransportConfig.builder(server.bootstrapServers(listener))
        .operationTimeout(Duration.ofSeconds(5))
        .publishTimeout(Duration.ofSeconds(5))
        .tls(identity);
  }

  @Test
  void anIdentityLogsInAndItsRenewalReachesNewConnections(@TempDir Path folder) {
    try (SystemRuntime runtime = SystemRuntime.create();
        TlsIdentity identity = identity(folder, runtime)) {
      KafkaTransportConfig config = with(identity, Listener.CERTIFICATE).build();
      assertThat(config.toString()).endsWith(", clientSettings=[], tls=tls-identity}");
      try (KafkaTransport transport = KafkaTransport.create(config)) {
        transport.declare(DestinationConfig.builder(TOPIC).partitions(1).build());
        assertThat(
                transport
                    .publisher()
                    .publish(TOPIC, Message.builder("t").id("identity").build())
                    .toCompletableFuture())
            .succeedsWithin(LIMIT);
      }
      TestCertificates.shared()
          .install(Holder.OTHER_HOST, folder.resolve("tls.crt"), folder.resolve("tls.key"));
      Await.until("the renewal is taken", () -> identity.generation() == 2);
      try (KafkaTransport transport = KafkaTransport.create(config)) {
        // The broker takes it for another user now, who has no rights.
        assertThat(
                catchThrowableOfType(
                    SubscribeException.class,
                    () -> transport.declare(DestinationConfig.builder(TOPIC).build())))
            .hasMessageStartingWith("COMMS-KAFKA-006: ")
            .hasMessageContaining("uthoriz");
      }
    }
  }

  @Test
  void wrongNameAndExpiredAreRefused(@TempDir Path folder) {
    try (SystemRuntime runtime = SystemRuntime.create();
        TlsIdentity identity = identity(folder, runtime)) {
      refused(
          login(with(identity, Listener.OTHERHOST), SECRET).build(),
          "No subject alternative names matching IP address 127.0.0.1 found");
      refused(login(with(identity, Listener.EXPIRED), SECRET).build(), "NotAfter: ");
    }
  }

  /** The cluster is refused permanently, and health states why. */
  private static void refused(KafkaTransportConfig config, String... texts) {
    try (KafkaTransport transport = KafkaTransport.create(config)) {
      SubscribeException refusal =
          catchThrowableOfType(
              SubscribeException.class,
              () -> transport.declare(DestinationConfig.builder(TOPIC).build()));
      assertThat(refusal)
          .hasMessageStartingWith("COMMS-KAFKA-006: ")
          .hasMessageContainingAll(texts);
      assertThat(refusal.kind()).isEqualTo(FailureKind.PERMANENT);
      Await.until("health is down", LIMIT, () -> transport.health().status() == Health.Status.DOWN);
      assertThat(transport.health().reason())
          .startsWith("authentication with the Kafka cluster at " + config.bootstrapServers())
          .contains(texts);
    }
  }

  @Test
  void aWrongHostNameIsRefused() {
    refused(
        scram(Listener.OTHERHOST, SECRET).build(),
        "SslAuthenticationException: SSL handshake failed",
        "No subject alternative names matching IP address 127.0.0.1 found");
  }

  @Test
  void anExpiredCertificateIsRefused() {
    refused(scram(Listener.EXPIRED, SECRET).build(), "NotAfter: ");
  }

  @Test
  void anUnknownAuthorityIsRefused() {
    refused(
        KafkaTransportConfig.builder(server.bootstrapServers(Listener.CERTIFICATE))
            .clientSetting("security.protocol", "SSL")
            .build(),
        "unable to find valid certification path to requested target");
  }

  @Test
  void aClientWithoutCertificateOrWithAWrongPasswordIsRefused() {
    refused(tls(Listener.CERTIFICATE).build(), "SslAuthenticationException", "certificate");
    refused(
        scram(Listener.SASL, "other" + SECRET).build(),
        "SaslAuthenticationException: Authentication failed during authentication due to invalid"
            + " credentials with SASL mechanism SCRAM-SHA-512");
  }

  /** The transport asks only after a failure; here without one, since that would need the heap. */
  @Test
  void aClientWithoutTlsAtAPortWithTlsIsToldSo() {
    KafkaTransportConfig plain =
        KafkaTransportConfig.builder(server.bootstrapServers(Listener.SASL)).build();
    assertThat(TlsPort.speaksTls(plain)).isTrue();
    assertThat(
            TlsPort.refused(plain, new SubscribeException("c", FailureKind.TRANSIENT, "t", null)))
        .hasMessage(
            "COMMS-KAFKA-006: "
                + plain.bootstrapServers()
                + " speaks TLS (expected: clientSetting security.protocol SSL or SASL_SSL)");
    assertThat(TlsPort.speaksTls(scram(Listener.SASL, SECRET).build())).isFalse();
    assertThat(
            TlsPort.speaksTls(
                KafkaTransportConfig.builder(server.bootstrapServers(Listener.ADMIN)).build()))
        .isFalse();
  }

  @Test
  void aMissingRightIsNamedAtOnce() throws Exception {
    KafkaRights rights = new KafkaRights(server, admin);
    rights.grant(List.of(KafkaRights.binding("stranger", "topics `secured*`", "READ")));
    Destination topic = Destination.topic("secured-group");
    try (KafkaTransport owner = KafkaTransport.create(scram(Listener.SASL, SECRET).build());
        KafkaTransport stranger =
            KafkaTransport.create(
                rights
                    .config("stranger", SECRET)
                    .operationTimeout(Duration.ofMinutes(5))
                    .build())) {
      DestinationConfig.Builder config =
          DestinationConfig.builder(topic).partitions(1).group("ship");
      owner.declare(config.build());
      stranger.declare(config.verifyOnly().build());
      long start = System.nanoTime();
      SubscribeException refusal =
          catchThrowableOfType(
              SubscribeException.class,
              () ->
                  stranger
                      .subscriber()
                      .subscribe(
                          SubscriptionConfig.builder(topic, "ship").build(),
                          delivery -> Settlement.done()));
      assertThat(refusal)
          .hasMessage(
              "COMMS-KAFKA-006: join group of topic:secured-group: GroupAuthorizationException:"
                  + " Not authorized to access group: secured-group.ship");
      assertThat(refusal.kind()).isEqualTo(FailureKind.PERMANENT);
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LIMIT);
      assertThat(
              stranger
                  .publisher()
                  .publish(topic, Message.builder("t").id("m").build())
                  .toCompletableFuture())
          .failsWithin(LIMIT)
          .withThrowableThat()
          .havingCause()
          .withMessage(
              "COMMS-KAFKA-013: no producer id: Cluster authorization failed. (expected: the right"
                  + " WRITE on the topic, or on any) (MAYBE_SENT, topic:secured-group, message m)");
    }
  }

  @Test
  void theLeastRightsSuffice() throws Exception {
    KafkaRights rights = new KafkaRights(server, admin);
    rights.check();
    rights.checkBinding();
  }

  @Test
  void noFailureShowsASecret(@TempDir Path folder) throws IOException {
    Path noStore = Files.writeString(folder.resolve("no.p12"), "no store");
    String login =
        "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"scram\" password=\"";
    List<KafkaTransportConfig.Builder> configs =
        new ArrayList<>(
            List.of(
                scram(Listener.SASL, "x" + SECRET),
                scram(Listener.SASL, SECRET).clientSetting("sasl.mechanism", "PLAIN"),
                scram(Listener.OTHERHOST, SECRET),
                scram(Listener.EXPIRED, SECRET),
                scram(Listener.CERTIFICATE, SECRET),
                scram(Listener.SASL, SECRET).clientSetting("ssl.truststore.password", SECRET),
                certified().clientSetting("ssl.keystore.password", SECRET),
                certified().clientSetting("ssl.key.password", SECRET),
                certified()
                    .clientSetting("ssl.keystore.location", folder.resolve("none").toString()),
                certified().clientSetting("ssl.keystore.location", noStore.toString()),
                tls(Listener.CERTIFICATE)
                    .clientSetting("ssl.keystore.type", "PEM")
                    .clientSetting("ssl.keystore.key", "-----BEGIN PRIVATE KEY-----\n" + SECRET)
                    .clientSetting("ssl.keystore.certificate.chain", "none")));
    for (String jaas :
        List.of(
            login + SECRET + "\"",
            login + SECRET + ";",
            login + SECRET,
            SECRET,
            "no.such.Module required username=\"scram\" password=\"" + SECRET + "\";",
            login.replace("required", SECRET) + SECRET + "\";")) {
      configs.add(scram(Listener.SASL, SECRET).clientSetting("sasl.jaas.config", jaas));
    }
    PrintStream console = System.err;
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    StringWriter shown = new StringWriter();
    try (PrintWriter out = new PrintWriter(shown)) {
      for (KafkaTransportConfig.Builder config : configs) {
        KafkaTransportConfig built = config.publishTimeout(Duration.ofSeconds(1)).build();
        out.println(built);
        fail(built, out);
      }
      for (String servers :
          List.of("scram:" + SECRET + "@h:1", "kafka://scram:" + SECRET + "@h:1")) {
        try {
          KafkaTransportConfig.builder(servers);
        } catch (IllegalArgumentException e) {
          e.printStackTrace(out);
        }
      }
    } finally {
      System.setErr(console);
    }
    assertThat(shown.toString()).contains("COMMS-KAFKA-006", "COMMS-KAFKA-008");
    assertThat(shown.toString().lines().filter(line -> line.contains(SECRET))).isEmpty();
    assertThat(log.toString(StandardCharsets.UTF_8).lines().filter(line -> line.contains(SECRET)))
        .isEmpty();
  }

  /** Prints all that a failing transport tells. */
  private static void fail(KafkaTransportConfig config, PrintWriter out) {
    try (KafkaTransport transport = KafkaTransport.create(config)) {
      out.println(transport);
      try {
        transport.declare(DestinationConfig.builder(TOPIC).build());
      } catch (SubscribeException e) {
        e.printStackTrace(out);
      }
      out.println(transport.health().reason() + transport.health().details());
    } catch (SubscribeException e) {
      e.printStackTrace(out);
    }
  }
}
