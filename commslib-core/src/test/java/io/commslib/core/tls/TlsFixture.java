package io.commslib.core.tls;

import io.commslib.core.time.VirtualTime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * The files of an identity that is valid for a day, in virtual time that begins now: the JDK checks
 * peers by its own clock.
 */
final class TlsFixture {

  static final Instant START = Instant.now().truncatedTo(ChronoUnit.SECONDS);
  static final Duration INTERVAL = Duration.ofSeconds(10);

  /** Until a change is taken. */
  static final Duration RENEWAL = Duration.ofSeconds(11);

  static final TestAuthority AUTHORITY = TestAuthority.create("authority");

  final VirtualTime time = VirtualTime.startingAt(START, 1);
  final Path chain;
  final Path key;
  final Path trust;

  TlsFixture(Path folder) {
    this.chain = folder.resolve("tls.crt");
    this.key = folder.resolve("tls.key");
    this.trust = folder.resolve("ca.crt");
    write(trust, AUTHORITY.pem());
    pair(TestAuthority.ec());
  }

  static String certificate(KeyPair holder) {
    return AUTHORITY.certificate(
        holder,
        START.minus(Duration.ofHours(1)),
        START.plus(Duration.ofHours(23)),
        "dns:localhost",
        "uri:spiffe://shop.example/orders");
  }

  /** Writes a certificate and its key. */
  void pair(KeyPair holder) {
    write(chain, certificate(holder));
    write(key, TestAuthority.pem(holder));
  }

  static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  TlsIdentity identity() {
    return TlsIdentity.fromFiles(chain, key, trust, time);
  }
}
