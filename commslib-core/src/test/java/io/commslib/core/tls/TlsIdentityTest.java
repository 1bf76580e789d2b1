package io.commslib.core.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.FailureKind;
import io.commslib.core.time.SystemRuntime;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Handshakes with the material of the files, and files that are refused. */
@Timeout(30)
class TlsIdentityTest {

  @TempDir Path folder;
  private final List<TlsIdentity> open = new ArrayList<>();
  private TlsFixture files;

  @BeforeEach
  void write() {
    files = new TlsFixture(folder);
  }

  @AfterEach
  void close() {
    open.forEach(TlsIdentity::close);
  }

  private TlsIdentity identity() {
    TlsIdentity identity = files.identity();
    open.add(identity);
    return identity;
  }

  @Test
  void bothSidesKnowEachOtherWithRsaAndEc() throws Exception {
    for (KeyPair holder : List.of(TestAuthority.ec(), TestAuthority.rsa())) {
      files.pair(holder);
      TlsIdentity identity = identity();
      TlsPair.Sides sides =
          TlsPair.shakeHands(identity.sslContext(), identity.sslContext(), "localhost");
      assertThat(sides.serverCertificate().getPublicKey()).isEqualTo(holder.getPublic());
      PeerIdentity caller = PeerIdentity.of(sides.server()).orElseThrow();
      assertThat(caller.dnsNames()).containsExactly("localhost");
      assertThat(caller.spiffeId()).contains("spiffe://shop.example/orders");
    }
  }

  @Test
  void wrongNameAndExpiredAreRefused() throws Exception {
    TlsIdentity client = identity();
    assertThatThrownBy(
            () -> TlsPair.shakeHands(client.sslContext(), client.sslContext(), "other.example"))
        .isInstanceOf(SSLException.class)
        .hasStackTraceContaining("other.example");
    KeyPair holder = TestAuthority.ec();
    files.pair(holder);
    TlsFixture.write(
        files.chain,
        TlsFixture.AUTHORITY.certificate(
            holder,
            TlsFixture.START.minusSeconds(99),
            TlsFixture.START.minusSeconds(9),
            "dns:localhost"));
    // Its process has a clock that is wrong.
    TlsIdentity expired =
        TlsIdentity.fromFiles(
            files.chain,
            files.key,
            files.trust,
            io.commslib.core.time.VirtualTime.startingAt(TlsFixture.START.minusSeconds(50), 1));
    open.add(expired);
    assertThatThrownBy(
            () -> TlsPair.shakeHands(client.sslContext(), expired.sslContext(), "localhost"))
        .isInstanceOf(SSLException.class)
        .hasStackTraceContaining("NotAfter");
    assertThatThrownBy(
            () -> TlsPair.shakeHands(expired.sslContext(), client.sslContext(), "localhost"))
        .isInstanceOf(SSLException.class)
        .hasStackTraceContaining("NotAfter");
    TlsFixture.write(files.trust, TestAuthority.create("another").pem());
    files.pair(holder);
    TlsIdentity stranger = identity();
    assertThatThrownBy(
            () -> TlsPair.shakeHands(stranger.sslContext(), client.sslContext(), "localhost"))
        .isInstanceOf(SSLException.class)
        .hasStackTraceContaining("valid certification path");
  }

  /** Of twenty changes while other threads shake hands, none breaks a handshake. */
  @Test
  void aHandshakeSeesOnePairWhileCertificatesChange() throws Exception {
    TlsIdentity identity = identity();
    AtomicBoolean over = new AtomicBoolean();
    List<CompletableFuture<Integer>> callers = new ArrayList<>();
    try (SystemRuntime runtime = SystemRuntime.platformThreads()) {
      for (int i = 0; i < 2; i++) {
        CompletableFuture<Integer> caller = new CompletableFuture<>();
        callers.add(caller);
        runtime
            .newThread(
                "caller",
                () -> {
                  int done = 0;
                  try {
                    while (!over.get() || done < 20) {
                      TlsPair.shakeHands(identity.sslContext(), identity.sslContext(), "localhost");
                      done++;
                    }
                    caller.complete(done);
                  } catch (Throwable e) {
                    caller.completeExceptionally(e);
                  }
                })
            .start();
      }
      for (int i = 0; i < 20; i++) {
        files.pair(i % 2 == 0 ? TestAuthority.rsa() : TestAuthority.ec());
        files.time.advance(TlsFixture.RENEWAL);
      }
      over.set(true);
      for (CompletableFuture<Integer> caller : callers) {
        assertThat(caller).succeedsWithin(Duration.ofSeconds(20));
      }
    }
    assertThat(identity.generation()).isEqualTo(21);
  }

  @Test
  void aChosenPairStaysTogetherOverAChange() throws Exception {
    TlsIdentity identity = identity();
    X509ExtendedKeyManager keys = identity.keyManager();
    String alias = keys.chooseEngineServerAlias("EC", null, null);
    X509Certificate before = identity.certificate();
    files.pair(TestAuthority.rsa());
    files.time.advance(TlsFixture.RENEWAL);
    assertThat(identity.generation()).isEqualTo(2);
    assertThat(keys.getCertificateChain(alias)[0]).isEqualTo(before);
    assertThat(keys.getPrivateKey(alias).getAlgorithm()).isEqualTo("EC");
    assertThat(keys.chooseEngineServerAlias("EC", null, null)).isNull();
    String after = keys.chooseEngineClientAlias(new String[] {"EC", "RSA"}, null, null);
    assertThat(keys.getCertificateChain(after)[0]).isEqualTo(identity.certificate());
    assertThat(keys.getPrivateKey("99/none")).isNull();
    assertThat(keys.getCertificateChain("none")).isNull();
  }

  @Test
  void aSessionOfOldMaterialIsNotResumed() throws Exception {
    TlsIdentity identity = identity();
    TlsPair.Sides first =
        TlsPair.shakeHands(identity.sslContext(), identity.sslContext(), "localhost");
    TlsPair.Sides second =
        TlsPair.shakeHands(identity.sslContext(), identity.sslContext(), "localhost");
    assertThat(second.client().getCreationTime()).isEqualTo(first.client().getCreationTime());
    files.pair(TestAuthority.ec());
    files.time.advance(TlsFixture.RENEWAL);
    TlsPair.Sides third =
        TlsPair.shakeHands(identity.sslContext(), identity.sslContext(), "localhost");
    assertThat(third.serverCertificate()).isEqualTo(identity.certificate());
    assertThat(third.serverCertificate()).isNotEqualTo(first.serverCertificate());
  }

  /** Clients such as that of RabbitMQ keep a factory, and servers a server socket. */
  @Test
  void socketsOfAKeptFactoryUseTheNewPair() throws Exception {
    TlsIdentity identity = identity();
    SSLSocketFactory kept = identity.sslContext().getSocketFactory();
    try (SSLServerSocket server =
        (SSLServerSocket)
            identity
                .sslContext()
                .getServerSocketFactory()
                .createServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      server.setNeedClientAuth(true);
      assertThat(exchange(kept, server)).isEqualTo(identity.certificate().getPublicKey());
      files.pair(TestAuthority.rsa());
      files.time.advance(TlsFixture.RENEWAL);
      assertThat(exchange(kept, server)).isEqualTo(identity.certificate().getPublicKey());
      assertThat(identity.certificate().getPublicKey().getAlgorithm()).isEqualTo("RSA");
    }
  }

  /** Connects; returns the key of the client as the server sees it, after one byte each way. */
  private static PublicKey exchange(SSLSocketFactory factory, SSLServerSocket server)
      throws Exception {
    CompletableFuture<PublicKey> seen = new CompletableFuture<>();
    Thread peer =
        new Thread(
            () -> {
              try (Socket accepted = server.accept()) {
                accepted.getOutputStream().write(accepted.getInputStream().read());
                seen.complete(
                    ((SSLSocket) accepted).getSession().getPeerCertificates()[0].getPublicKey());
              } catch (Exception e) {
                seen.completeExceptionally(e);
              }
            });
    peer.start();
    try (Socket client =
        factory.createSocket(InetAddress.getLoopbackAddress(), server.getLocalPort())) {
      client.getOutputStream().write(7);
      assertThat(client.getInputStream().read()).isEqualTo(7);
    }
    peer.join();
    return seen.get();
  }

  private TlsException refused() {
    return catchThrowableOfType(TlsException.class, this::identity);
  }

  @Test
  void eachDefectOfTheFilesHasItsCode() throws Exception {
    KeyPair holder = TestAuthority.ec();
    files.pair(holder);
    byte[] pkcs8 = holder.getPrivate().getEncoded();
    for (String type : List.of("ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")) {
      TlsFixture.write(files.key, TestAuthority.pem(type, pkcs8));
      assertThat(refused())
          .hasMessage(
              "COMMS-TLS-002: key: '"
                  + type
                  + "' (expected: one block PRIVATE KEY: PKCS#8 without a password, as by 'openssl"
                  + " pkcs8 -topk8 -nocrypt')");
      assertThat(refused().kind()).isEqualTo(FailureKind.PERMANENT);
    }
    TlsFixture.write(files.key, TestAuthority.pem("PRIVATE KEY", new byte[] {1, 2}));
    assertThat(refused())
        .hasMessage("COMMS-TLS-002: key: not RSA or EC (expected: an RSA or EC key in PKCS#8)");
    TlsFixture.write(files.key, "-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----\n");
    assertThat(refused())
        .hasMessage(
            "COMMS-TLS-002: key: a block that is not Base64 (expected: a complete PEM file)");
    files.pair(holder);
    TlsFixture.write(files.chain, "no PEM");
    assertThat(refused())
        .hasMessage("COMMS-TLS-002: chain: no block (expected: PEM, '-----BEGIN ...')");
    TlsFixture.write(files.chain, TestAuthority.pem("CERTIFICATE", new byte[] {1, 2}));
    assertThat(refused())
        .hasMessage("COMMS-TLS-002: chain: a malformed certificate (expected: X.509 certificates)");
    files.pair(holder);
    TlsFixture.write(files.trust, TlsFixture.read(files.key));
    assertThat(refused())
        .hasMessage("COMMS-TLS-002: trust: 'PRIVATE KEY' (expected: at least one CERTIFICATE)");
    TlsFixture.write(files.trust, "x".repeat(TlsFiles.MAX_BYTES + 1));
    assertThat(refused()).hasMessageContaining("over the limit (expected: at most 1 MiB)");
    Files.delete(files.trust);
    TlsException missing = refused();
    assertThat(missing).hasMessageStartingWith("COMMS-TLS-001: trust can't be read: ");
    assertThat(missing.kind()).isEqualTo(FailureKind.TRANSIENT);
  }

  @Test
  void filesThatDoNotFitEachOtherHaveTheirCodes() {
    KeyPair holder = TestAuthority.ec();
    files.pair(holder);
    String own = TlsFixture.read(files.chain);
    TlsFixture.write(files.chain, own + TestAuthority.create("authority").pem());
    assertThat(refused())
        .hasMessage(
            "COMMS-TLS-003: chain: certificate 2 is not the issuer of certificate 1 (expected: the"
                + " own certificate first, then each issuer)");
    files.pair(holder);
    TlsFixture.write(files.key, TestAuthority.pem(TestAuthority.rsa()));
    assertThat(refused())
        .hasMessage(
            "COMMS-TLS-003: key: RSA, not that of the certificate (expected: the key of the first"
                + " certificate of chain)");
    files.pair(holder);
    Instant begin = TlsFixture.START.minusSeconds(9);
    Instant end = TlsFixture.START.minusSeconds(1);
    TlsFixture.write(files.chain, TlsFixture.AUTHORITY.certificate(holder, begin, end));
    assertThat(refused())
        .hasMessage(
            "COMMS-TLS-004: chain: valid from "
                + begin
                + " to "
                + end
                + " (expected: certificates that are valid at "
                + TlsFixture.START
                + ")");
  }

  @Test
  void noTextShowsTheKey() {
    KeyPair holder = TestAuthority.ec();
    files.pair(holder);
    String secret = Base64.getEncoder().encodeToString(holder.getPrivate().getEncoded());
    TlsIdentity identity = identity();
    List<String> texts = new ArrayList<>();
    texts.add(identity.toString());
    texts.add(identity.health().toString());
    texts.add(identity.sslContext().toString() + identity.keyManager() + identity.trustManager());
    for (String broken :
        List.of(
            secret,
            "-----BEGIN PRIVATE KEY-----\n" + secret,
            "-----BEGIN " + secret + "-----\n-----END " + secret + "-----",
            TestAuthority.pem("PRIVATE KEY", holder.getPrivate().getEncoded()).replace("M", "?"),
            TestAuthority.pem("ENCRYPTED PRIVATE KEY", holder.getPrivate().getEncoded()))) {
      TlsFixture.write(files.key, broken);
      java.io.StringWriter trace = new java.io.StringWriter();
      refused().printStackTrace(new java.io.PrintWriter(trace));
      texts.add(trace.toString());
    }
    assertThat(texts).allSatisfy(text -> assertThat(text).doesNotContain(secret.substring(10, 30)));
  }
}
