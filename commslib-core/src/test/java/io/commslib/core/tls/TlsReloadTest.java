package io.commslib.core.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.Health;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TaskScheduler;
import io.commslib.core.time.TimeSource;
import io.commslib.core.time.Workers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Changes of the files, in virtual time. */
class TlsReloadTest {

  @TempDir Path folder;
  private TlsFixture files;

  @BeforeEach
  void write() {
    files = new TlsFixture(folder);
  }

  /** What is logged meanwhile. */
  private static String logged(Runnable action) {
    PrintStream console = System.err;
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    try {
      action.run();
    } finally {
      System.setErr(console);
    }
    return log.toString(StandardCharsets.UTF_8);
  }

  @Test
  void aRenewalIsInUseAfterAnIntervalAndASecond() {
    try (TlsIdentity identity = files.identity()) {
      files.time.advance(Duration.ofMinutes(1));
      assertThat(identity.generation()).isEqualTo(1);
      files.pair(TestAuthority.rsa());
      files.time.advance(TlsFixture.INTERVAL);
      assertThat(identity.generation()).as("read once").isEqualTo(1);
      files.time.advance(Duration.ofSeconds(1));
      assertThat(identity.generation()).isEqualTo(2);
      assertThat(identity.certificate().getPublicKey().getAlgorithm()).isEqualTo("RSA");
      files.time.advance(Duration.ofMinutes(1));
      assertThat(identity.generation()).isEqualTo(2);
    }
  }

  @Test
  void aHalfWrittenCertificateIsNotTaken() throws Exception {
    try (TlsIdentity identity = files.identity()) {
      KeyPair next = TestAuthority.ec();
      String whole = TlsFixture.certificate(next);
      String log =
          logged(
              () -> {
                TlsFixture.write(files.key, TestAuthority.pem(next));
                for (int length : new int[] {0, 10, 200, whole.length() - 20}) {
                  TlsFixture.write(files.chain, whole.substring(0, length));
                  files.time.advance(Duration.ofSeconds(30));
                  assertThat(identity.generation()).as("%d bytes", length).isEqualTo(1);
                }
              });
      assertThat(log.lines().filter(line -> line.contains("WARN")))
          .singleElement()
          .asString()
          .contains("tls-identity: the changed files are not taken", "COMMS-TLS-002: chain: ");
      TlsPair.Sides sides =
          TlsPair.shakeHands(identity.sslContext(), identity.sslContext(), "localhost");
      assertThat(sides.serverCertificate()).isEqualTo(identity.certificate());
      TlsFixture.write(files.chain, whole);
      files.time.advance(TlsFixture.RENEWAL);
      assertThat(identity.generation()).isEqualTo(2);
      assertThat(identity.certificate().getPublicKey()).isEqualTo(next.getPublic());
    }
  }

  /** A chain that is cut between two certificates is complete by its form. */
  @Test
  void aChainThatIsStillBeingWrittenIsNotTaken() {
    TestAuthority issuer = TlsFixture.AUTHORITY.intermediate("issuer");
    try (TlsIdentity identity = files.identity()) {
      KeyPair next = TestAuthority.ec();
      String own =
          issuer.certificate(
              next, TlsFixture.START, TlsFixture.START.plusSeconds(9_999), "dns:localhost");
      TlsFixture.write(files.key, TestAuthority.pem(next));
      TlsFixture.write(files.chain, own);
      files.time.advance(TlsFixture.INTERVAL);
      TlsFixture.write(files.chain, own + issuer.pem());
      files.time.advance(Duration.ofSeconds(1));
      assertThat(identity.generation()).as("different bytes").isEqualTo(1);
      files.time.advance(Duration.ofSeconds(1));
      assertThat(identity.generation()).isEqualTo(2);
    }
  }

  @Test
  void aKeyWithoutItsCertificateIsNotTakenAndHealthStatesIt() {
    try (TlsIdentity identity = files.identity()) {
      assertThat(identity.health().status()).isEqualTo(Health.Status.UP);
      KeyPair next = TestAuthority.ec();
      TlsFixture.write(files.key, TestAuthority.pem(next));
      files.time.advance(Duration.ofSeconds(20));
      assertThat(identity.health().status()).isEqualTo(Health.Status.UP);
      assertThat(identity.health().details().get("refused"))
          .isEqualTo(
              "COMMS-TLS-003: key: EC, not that of the certificate (expected: the key of the"
                  + " first certificate of chain)");
      files.time.advance(Duration.ofMinutes(1));
      assertThat(identity.generation()).isEqualTo(1);
      assertThat(identity.health().status()).isEqualTo(Health.Status.DEGRADED);
      assertThat(identity.health().reason())
          .startsWith("the changed files are not taken: COMMS-TLS-003");
      TlsFixture.write(files.chain, TlsFixture.certificate(next));
      files.time.advance(TlsFixture.RENEWAL);
      assertThat(identity.generation()).isEqualTo(2);
      assertThat(identity.health().status()).isEqualTo(Health.Status.UP);
      assertThat(identity.health().details()).doesNotContainKey("refused");
    }
  }

  @Test
  void aMissingFileIsRefusedUntilItIsBack() throws IOException {
    try (TlsIdentity identity = files.identity()) {
      String trusted = TlsFixture.read(files.trust);
      Files.delete(files.trust);
      files.time.advance(Duration.ofMinutes(2));
      assertThat(identity.health().status()).isEqualTo(Health.Status.DEGRADED);
      assertThat(identity.health().reason()).contains("COMMS-TLS-001: trust can't be read");
      TlsFixture.write(files.trust, trusted);
      files.time.advance(TlsFixture.INTERVAL);
      assertThat(identity.health().status()).isEqualTo(Health.Status.UP);
      assertThat(identity.generation()).isEqualTo(1);
    }
  }

  @Test
  void aCertificateForLaterIsTakenWhenItIsValid() {
    try (TlsIdentity identity = files.identity()) {
      KeyPair next = TestAuthority.ec();
      TlsFixture.write(files.key, TestAuthority.pem(next));
      TlsFixture.write(
          files.chain,
          TlsFixture.AUTHORITY.certificate(
              next, TlsFixture.START.plusSeconds(300), TlsFixture.START.plusSeconds(9_999)));
      files.time.advance(Duration.ofSeconds(290));
      assertThat(identity.generation()).isEqualTo(1);
      assertThat(identity.health().details().get("refused")).contains("COMMS-TLS-004");
      files.time.advance(Duration.ofSeconds(25));
      assertThat(identity.generation()).isEqualTo(2);
    }
  }

  @Test
  void healthIsDegradedBeforeTheEndAndDownAfterIt() {
    try (TlsIdentity identity = files.identity()) {
      files.time.advance(Duration.ofHours(18));
      assertThat(identity.health().status()).isEqualTo(Health.Status.UP);
      files.time.advance(Duration.ofMinutes(13));
      assertThat(identity.health().status()).isEqualTo(Health.Status.DEGRADED);
      assertThat(identity.health().reason()).startsWith("the certificate ends at 20");
      files.time.advance(Duration.ofHours(5));
      assertThat(identity.health().status()).isEqualTo(Health.Status.DOWN);
      assertThat(identity.health().reason()).startsWith("the certificate has expired at 20");
    }
    TlsIdentity.Builder later =
        TlsIdentity.builder(
            files.chain,
            files.key,
            files.trust,
            io.commslib.core.time.VirtualTime.startingAt(TlsFixture.START, 1));
    try (TlsIdentity identity = later.name("orders").expiryWarning(Duration.ofHours(24)).build()) {
      assertThat(identity.name()).isEqualTo("tls-orders");
      assertThat(identity.health().status()).isEqualTo(Health.Status.DEGRADED);
    }
  }

  /** A file system that hangs keeps the thread of the checks. */
  @Test
  void healthStatesThatTheFilesCanNotBeChecked() {
    TlsIdentity identity =
        TlsIdentity.fromFiles(files.chain, files.key, files.trust, new HangingWorkers());
    files.time.advance(Duration.ofSeconds(89));
    assertThat(identity.health().status()).isEqualTo(Health.Status.UP);
    files.time.advance(Duration.ofSeconds(2));
    assertThat(identity.health().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(identity.health().reason()).isEqualTo("the files could not be checked for 91 s");
    identity.close();
  }

  @Test
  void listenersAreCalledAfterEachChangeAndAFailingOneStopsNothing() {
    List<Long> calls = new ArrayList<>();
    TlsIdentity identity = files.identity();
    Runnable removed = () -> calls.add(-1L);
    identity.addChangeListener(
        () -> {
          throw new IllegalStateException("planted");
        });
    identity.addChangeListener(() -> calls.add(identity.generation()));
    identity.addChangeListener(removed);
    identity.removeChangeListener(removed);
    for (int i = 0; i < 3; i++) {
      files.pair(TestAuthority.ec());
      files.time.advance(TlsFixture.RENEWAL);
    }
    assertThat(calls).containsExactly(2L, 3L, 4L);
    identity.close();
    files.pair(TestAuthority.ec());
    files.time.advance(Duration.ofMinutes(1));
    assertThat(identity.generation()).as("closed").isEqualTo(4);
  }

  /** The fixture's time, with workers that never run anything. */
  private final class HangingWorkers implements CommsRuntime {
    @Override
    public TimeSource time() {
      return files.time.time();
    }

    @Override
    public TaskScheduler scheduler() {
      return files.time.scheduler();
    }

    @Override
    public RandomGenerator random() {
      return files.time.random();
    }

    @Override
    public Workers newWorkers(String name, int threads) {
      return new Workers() {
        @Override
        public void execute(Runnable work) {
          assertThat(work).isNotNull();
        }

        @Override
        public boolean awaitIdle(Duration timeout) {
          return false;
        }

        @Override
        public void close() {
          assertThat(name).isEqualTo("tls-identity");
        }
      };
    }

    @Override
    public Thread newThread(String name, Runnable body) {
      return files.time.newThread(name, body);
    }

    @Override
    public void close() {
      files.time.close();
    }
  }
}
