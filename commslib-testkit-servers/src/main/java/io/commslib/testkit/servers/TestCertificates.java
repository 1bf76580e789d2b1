package io.commslib.testkit.servers;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;

/**
 * Certificates of an authority of their own, for the secured servers and their clients. Made with
 * the JDK's {@code keytool}, in a temporary folder that ends with the JVM. Immutable.
 */
public final class TestCertificates {

  /** The password of all stores. */
  public static final String PASSWORD = "store-password";

  /** The common name in the client's certificate, and so the user that servers take it for. */
  public static final String CLIENT_NAME = "certified-client";

  private static final CreatedOnce<TestCertificates> SHARED =
      new CreatedOnce<>(() -> new TestCertificates(DataFolder.create("certificates")));

  private static final String AUTHORITY = "authority";
  private static final List<String> VALID = List.of("-validity", "30");

  /** Whom a certificate is for. */
  public enum Holder {
    /** A server at {@code localhost} and 127.0.0.1. */
    SERVER("CN=server", "san=dns:localhost,ip:127.0.0.1", VALID),
    /** The server after a renewal: another key and name, and the same hosts. */
    RENEWED("CN=renewed", "san=dns:localhost,ip:127.0.0.1", VALID),
    /** A server at another host. */
    OTHER_HOST("CN=other", "san=dns:other.example.org", VALID),
    /** A server at {@code localhost} and 127.0.0.1 whose certificate is no longer valid. */
    EXPIRED(
        "CN=expired",
        "san=dns:localhost,ip:127.0.0.1",
        List.of("-startdate", "-10d", "-validity", "2")),
    /** A client with the name {@link #CLIENT_NAME}. */
    CLIENT("CN=" + CLIENT_NAME, "eku=clientAuth", VALID);

    private final String name;
    private final String extension;
    private final List<String> validity;

    Holder(String name, String extension, List<String> validity) {
      this.name = name;
      this.extension = extension;
      this.validity = validity;
    }

    private String alias() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  private final Path folder;

  private TestCertificates(Path folder) {
    this.folder = folder;
    try {
      create();
    } catch (GeneralSecurityException | IOException e) {
      throw new ServerUnavailableException("cannot make certificates", e);
    }
  }

  /**
   * Returns the certificates of this JVM; the first call makes them, which takes about two seconds.
   *
   * @return the certificates
   * @throws ServerUnavailableException if the JDK has no {@code keytool}
   */
  public static TestCertificates shared() {
    return SHARED.get();
  }

  /**
   * Returns the certificate of the authority.
   *
   * @return a PEM file
   */
  public Path authority() {
    return folder.resolve("authority.pem");
  }

  /**
   * Returns a store that trusts the authority.
   *
   * @return a PKCS12 file with {@link #PASSWORD}
   */
  public Path trustStore() {
    return folder.resolve("trust.p12");
  }

  /**
   * Returns a store with the key and the certificate of a holder.
   *
   * @param holder whose
   * @return a PKCS12 file with {@link #PASSWORD}
   */
  public Path keyStore(Holder holder) {
    return folder.resolve(holder.alias() + ".p12");
  }

  /**
   * Returns the certificate of a holder.
   *
   * @param holder whose
   * @return a PEM file
   */
  public Path certificate(Holder holder) {
    return folder.resolve(holder.alias() + ".pem");
  }

  /**
   * Returns the private key of a holder.
   *
   * @param holder whose
   * @return a PEM file without a password
   */
  public Path key(Holder holder) {
    return folder.resolve(holder.alias() + ".key");
  }

  /**
   * Writes certificate and key of a holder to other files, as an issuer renews them. Each file is
   * replaced as a whole.
   *
   * @param holder whose
   * @param certificate a PEM file, replaced if it exists
   * @param key a PEM file, replaced if it exists
   * @throws UncheckedIOException if a file can't be written
   */
  public void install(Holder holder, Path certificate, Path key) {
    replace(certificate(holder), certificate);
    replace(key(holder), key);
  }

  private static void replace(Path source, Path target) {
    try {
      Path copy = target.resolveSibling(target.getFileName() + ".next");
      Files.copy(source, copy, StandardCopyOption.REPLACE_EXISTING);
      Files.move(copy, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void create() throws GeneralSecurityException, IOException {
    Path authority = folder.resolve("authority.p12");
    keytool(authority, AUTHORITY, "CN=Test authority", "bc:c", VALID, List.of());
    Certificate root = load(authority).getCertificate(AUTHORITY);
    writePem(authority(), "CERTIFICATE", root.getEncoded());
    KeyStore trust = KeyStore.getInstance("PKCS12");
    trust.load(null, null);
    trust.setCertificateEntry(AUTHORITY, root);
    store(trust, trustStore());
    // The signer must be in the same store.
    Arrays.stream(Holder.values())
        .parallel()
        .forEach(
            holder -> {
              try {
                Files.copy(authority, keyStore(holder));
                keytool(
                    keyStore(holder),
                    holder.alias(),
                    holder.name,
                    holder.extension,
                    holder.validity,
                    List.of("-signer", AUTHORITY));
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    for (Holder holder : Holder.values()) {
      KeyStore own = load(keyStore(holder));
      own.deleteEntry(AUTHORITY);
      store(own, keyStore(holder));
      writePem(certificate(holder), "CERTIFICATE", own.getCertificate(holder.alias()).getEncoded());
      writePem(
          key(holder),
          "PRIVATE KEY",
          own.getKey(holder.alias(), PASSWORD.toCharArray()).getEncoded());
    }
  }

  private void keytool(
      Path store,
      String alias,
      String name,
      String extension,
      List<String> validity,
      List<String> more) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                // It ends before an optimized compilation pays.
                "-J-XX:TieredStopAtLevel=1",
                "-J-XX:+UseSerialGC",
                "-genkeypair",
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-storetype",
                "PKCS12",
                "-keystore",
                store.toString(),
                "-storepass",
                PASSWORD,
                "-alias",
                alias,
                "-dname",
                name,
                "-ext",
                extension));
    command.addAll(validity);
    command.addAll(more);
    Shell.run(command, folder.resolve(alias + ".log"));
  }

  private static KeyStore load(Path file) throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(file)) {
      store.load(in, PASSWORD.toCharArray());
    }
    return store;
  }

  private static void store(KeyStore store, Path file)
      throws GeneralSecurityException, IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      store.store(out, PASSWORD.toCharArray());
    }
  }

  private static void writePem(Path file, String kind, byte[] content) {
    Base64.Encoder lines = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII));
    DataFolder.write(
        file,
        List.of(
            "-----BEGIN " + kind + "-----",
            lines.encodeToString(content),
            "-----END " + kind + "-----"));
  }
}
