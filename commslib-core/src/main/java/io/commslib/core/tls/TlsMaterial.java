package io.commslib.core.tls;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * A certificate with its key and the trusted authorities, which fit together. It has a context of
 * its own, so that a session of earlier material is not resumed with it. Immutable.
 */
final class TlsMaterial {

  private static final String CERTIFICATE = "CERTIFICATE";

  private final long generation;
  private final byte[] digest;
  private final List<X509Certificate> chain;
  private final X509ExtendedKeyManager keys;
  private final X509ExtendedTrustManager trust;
  private final SSLContext context;

  private TlsMaterial(
      long generation,
      byte[] digest,
      List<X509Certificate> chain,
      X509ExtendedKeyManager keys,
      X509ExtendedTrustManager trust)
      throws GeneralSecurityException {
    this.generation = generation;
    this.digest = digest;
    this.chain = chain;
    this.keys = keys;
    this.trust = trust;
    this.context = SSLContext.getInstance("TLS");
    context.init(new KeyManager[] {keys}, new TrustManager[] {trust}, null);
  }

  /**
   * Checks the files and builds the material.
   *
   * @throws TlsException if they are incomplete, don't fit each other, or are not valid now
   */
  static TlsMaterial of(TlsFiles files, long generation, Instant now) {
    List<X509Certificate> chain = certificates("chain", files.chain());
    checkOrder(chain);
    PrivateKey key = PemKey.of(files.key(), chain.get(0).getPublicKey());
    List<X509Certificate> authorities = certificates("trust", files.trust());
    checkTime(chain, now);
    try {
      return new TlsMaterial(
          generation, files.digest(), chain, keys(chain, key), trust(authorities));
    } catch (GeneralSecurityException | IOException e) {
      throw TlsException.malformed("key", "not usable by the JVM", "RSA or EC in PKCS#8");
    }
  }

  private static List<X509Certificate> certificates(String file, byte[] content) {
    List<X509Certificate> found = new ArrayList<>();
    List<Pem.Block> blocks = Pem.blocks(file, content);
    for (Pem.Block block : blocks) {
      if (block.type().equals(CERTIFICATE)) {
        try {
          found.add(
              (X509Certificate)
                  CertificateFactory.getInstance("X.509")
                      .generateCertificate(new ByteArrayInputStream(block.decoded())));
        } catch (CertificateException e) {
          throw TlsException.malformed(file, "a malformed certificate", "X.509 certificates");
        }
      }
    }
    if (found.isEmpty()) {
      throw TlsException.malformed(file, Pem.types(blocks), "at least one CERTIFICATE");
    }
    return List.copyOf(found);
  }

  private static void checkOrder(List<X509Certificate> chain) {
    for (int i = 1; i < chain.size(); i++) {
      try {
        chain.get(i - 1).verify(chain.get(i).getPublicKey());
      } catch (GeneralSecurityException | RuntimeException e) {
        throw TlsException.unfit(
            "chain",
            "certificate " + (i + 1) + " is not the issuer of certificate " + i,
            "the own certificate first, then each issuer");
      }
    }
  }

  private static void checkTime(List<X509Certificate> chain, Instant now) {
    for (X509Certificate one : chain) {
      Instant begin = one.getNotBefore().toInstant();
      Instant end = one.getNotAfter().toInstant();
      if (now.isBefore(begin) || now.isAfter(end)) {
        throw TlsException.notValid(
            "valid from " + begin + " to " + end, "certificates that are valid at " + now);
      }
    }
  }

  private static X509ExtendedKeyManager keys(List<X509Certificate> chain, PrivateKey key)
      throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    // The store is never written, and keeps a key only with a password.
    char[] password = "memory".toCharArray();
    store.setKeyEntry("own", key, password, chain.toArray(new X509Certificate[0]));
    KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
    factory.init(store, password);
    return first(X509ExtendedKeyManager.class, factory.getKeyManagers());
  }

  private static X509ExtendedTrustManager trust(List<X509Certificate> authorities)
      throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    for (int i = 0; i < authorities.size(); i++) {
      store.setCertificateEntry("authority-" + i, authorities.get(i));
    }
    TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
    factory.init(store);
    return first(X509ExtendedTrustManager.class, factory.getTrustManagers());
  }

  private static <T> T first(Class<T> type, Object[] managers) throws GeneralSecurityException {
    return Arrays.stream(managers)
        .filter(type::isInstance)
        .map(type::cast)
        .findFirst()
        .orElseThrow(() -> new GeneralSecurityException("no " + type.getSimpleName()));
  }

  long generation() {
    return generation;
  }

  boolean isOf(byte[] otherDigest) {
    return Arrays.equals(digest, otherDigest);
  }

  X509Certificate certificate() {
    return chain.get(0);
  }

  /** The moment at which the first certificate of the chain ends. */
  Instant notAfter() {
    return chain.stream()
        .map(one -> one.getNotAfter().toInstant())
        .reduce((one, other) -> one.isBefore(other) ? one : other)
        .orElseThrow();
  }

  X509ExtendedKeyManager keys() {
    return keys;
  }

  X509ExtendedTrustManager trust() {
    return trust;
  }

  SSLContext context() {
    return context;
  }
}
