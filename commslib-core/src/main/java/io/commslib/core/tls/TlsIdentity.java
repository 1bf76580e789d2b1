package io.commslib.core.tls;

import io.commslib.core.Health;
import io.commslib.core.checks.Checks;
import io.commslib.core.lifecycle.LifecycleComponent;
import io.commslib.core.time.CommsRuntime;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import javax.net.ssl.SSLContext;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * The certificate of a process with its key, and the authorities that it trusts, read from PEM
 * files and renewed with them. One identity serves HTTP, Kafka, RabbitMQ and others.
 *
 * <p>The files are checked in an interval. A change is taken once two checks, at most 1 s apart,
 * have read the same bytes and these are whole: the key is that of the certificate, each
 * certificate of the chain is issued by the next one, and all are valid. Otherwise the material of
 * before stays, which is logged once at WARN. A handshake never gets parts of two states. From a
 * change on, each new connection uses the new material and resumes no session of the old one; a
 * connection that is open stays as it is, unless its adapter replaces it.
 *
 * <p>{@link #fromFiles} begins the checks. Add the identity to a {@link
 * io.commslib.core.lifecycle.Lifecycle} by {@code calls}, before what uses it, for its health and
 * to end the checks. Uses one thread of the runtime. Thread-safe.
 */
public final class TlsIdentity implements LifecycleComponent, AutoCloseable {

  /** Checks that may be missing before health reports it. */
  private static final int MISSED_CHECKS = 3;

  private final String name;
  private final CommsRuntime runtime;
  private final Duration checkInterval;
  private final Duration degradedAfter;
  private final @Nullable Duration expiryWarning;
  private final TlsReload reload;
  private final X509ExtendedKeyManager keys;
  private final X509ExtendedTrustManager trust;
  private final SSLContext context;

  private TlsIdentity(Builder from) {
    this.name = "tls-" + from.name;
    this.runtime = from.runtime;
    this.checkInterval = from.checkInterval;
    this.degradedAfter = from.degradedAfter;
    this.expiryWarning = from.expiryWarning;
    this.reload = new TlsReload(name, from.chain, from.key, from.trust, runtime, checkInterval);
    this.keys = new CurrentKeyManager(reload::current, reload::ofGeneration);
    this.trust = new CurrentTrustManager(reload::current);
    try {
      this.context = new CurrentContext(reload::current, keys, trust);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("TLS (expected: in every JVM)", e);
    }
  }

  /**
   * Reads the files and begins to check them, with the default settings. Blocks while it reads.
   *
   * @param chain PEM file with the certificate, then those of its issuers; at most 1 MiB, as each
   * @param key PEM file with the RSA or EC key of the certificate, in PKCS#8 without a password
   * @param trust PEM file with the certificates of the authorities that peers are checked against
   * @param runtime outlives the identity
   * @return the identity
   * @throws TlsException if a file can't be read, or the files are not valid together
   */
  public static TlsIdentity fromFiles(Path chain, Path key, Path trust, CommsRuntime runtime) {
    return builder(chain, key, trust, runtime).build();
  }

  /**
   * Starts an identity with other settings.
   *
   * @param chain as for {@link #fromFiles}
   * @param key as for {@link #fromFiles}
   * @param trust as for {@link #fromFiles}
   * @param runtime outlives the identity
   * @return a builder
   */
  public static Builder builder(Path chain, Path key, Path trust, CommsRuntime runtime) {
    return new Builder(chain, key, trust, runtime);
  }

  /**
   * Returns a context for clients and servers, always the same one. Each engine and each socket
   * that it makes uses the material of that moment; those of a server socket use the material of
   * their handshake. Peers are checked against the authorities as the JDK does it, host names if
   * the parameters of an engine or socket have an endpoint identification algorithm.
   *
   * @return the context, which must not be initialized again
   */
  public SSLContext sslContext() {
    return context;
  }

  /**
   * Returns a key manager for libraries that make their own context. It chooses from the current
   * material. A choice stays answerable over the next seven changes.
   *
   * @return the manager, always the same one
   */
  public X509ExtendedKeyManager keyManager() {
    return keys;
  }

  /**
   * Returns a trust manager for libraries that make their own context. It checks peers against the
   * current authorities, and host names as {@link #sslContext()} does.
   *
   * @return the manager, always the same one
   */
  public X509ExtendedTrustManager trustManager() {
    return trust;
  }

  /** {@return the certificate of this process that is in use} */
  public X509Certificate certificate() {
    return reload.current().certificate();
  }

  /** {@return the number of states of the files that were taken; 1 before the first change} */
  public long generation() {
    return reload.current().generation();
  }

  /**
   * Adds a listener, which is called after each change that was taken, so that it can replace
   * connections. It runs on the thread that checks the files and must return soon: the next check
   * waits for it. Its failures are logged.
   *
   * @param listener the listener, kept until it is removed or the identity is closed
   */
  public void addChangeListener(Runnable listener) {
    reload.addListener(Objects.requireNonNull(listener, "listener"));
  }

  /**
   * Removes a listener. It may still be called by a check that is in progress.
   *
   * @param listener the listener; without effect if it was not added
   */
  public void removeChangeListener(Runnable listener) {
    reload.removeListener(listener);
  }

  /** {@return the name, after {@code tls-}} */
  @Override
  public String name() {
    return name;
  }

  /** Does nothing: the checks began with the identity. */
  @Override
  public void start() {
    // See the Javadoc.
  }

  /**
   * Does nothing: connections may be needed until the end.
   *
   * @param timeout not used
   * @return true
   */
  @Override
  public boolean drain(Duration timeout) {
    return true;
  }

  /** Ends the checks and removes the listeners. The material of this moment stays usable. */
  @Override
  public void close() {
    reload.close();
  }

  /**
   * {@return down if a certificate of the chain has expired. Degraded if one ends soon, if the
   * files have been refused for a time, or if they could not be checked. The details state the end
   * and the generation}
   */
  @Override
  public Health health() {
    TlsMaterial material = reload.current();
    Instant now = runtime.time().now();
    Map<String, String> details = new TreeMap<>();
    details.put("notAfter", material.notAfter().toString());
    details.put("generation", Long.toString(material.generation()));
    reload.refusal().ifPresent(refusal -> details.put("refused", refusal.reason()));
    if (now.isAfter(material.notAfter())) {
      String reason = "the certificate has expired at " + material.notAfter();
      return Health.of(Health.Status.DOWN, reason, details);
    }
    String trouble = trouble(material, now);
    return Health.of(
        trouble.isEmpty() ? Health.Status.UP : Health.Status.DEGRADED, trouble, details);
  }

  private String trouble(TlsMaterial material, Instant now) {
    TlsReload.Refusal refused = reload.refusal().orElse(null);
    if (refused != null
        && runtime.time().nanoTime() - refused.sinceNanos() >= degradedAfter.toNanos()) {
      return "the changed files are not taken: " + refused.reason();
    }
    if (!material.notAfter().isAfter(now.plus(warning(material)))) {
      return "the certificate ends at " + material.notAfter();
    }
    Duration silent = reload.sinceCheck();
    return silent.compareTo(checkInterval.multipliedBy(MISSED_CHECKS).plus(degradedAfter)) > 0
        ? "the files could not be checked for " + silent.toSeconds() + " s"
        : "";
  }

  private Duration warning(TlsMaterial material) {
    if (expiryWarning != null) {
      return expiryWarning;
    }
    Instant begin = material.certificate().getNotBefore().toInstant();
    Duration share = Duration.between(begin, material.notAfter()).dividedBy(5);
    return share.compareTo(Builder.LONGEST_WARNING) < 0 ? share : Builder.LONGEST_WARNING;
  }

  /** {@return name, generation and end of the certificate, for log lines} */
  @Override
  public String toString() {
    TlsMaterial material = reload.current();
    return "TlsIdentity{"
        + name
        + ", generation="
        + material.generation()
        + ", notAfter="
        + material.notAfter()
        + "}";
  }

  /** Collects the settings. Mutable; confined to one thread. */
  public static final class Builder {

    private static final Duration LONGEST_WARNING = Duration.ofDays(14);

    private final Path chain;
    private final Path key;
    private final Path trust;
    private final CommsRuntime runtime;
    private String name = "identity";
    private Duration checkInterval = Duration.ofSeconds(10);
    private Duration degradedAfter = Duration.ofMinutes(1);
    private @Nullable Duration expiryWarning;

    private Builder(Path chain, Path key, Path trust, CommsRuntime runtime) {
      this.chain = Objects.requireNonNull(chain, "chain");
      this.key = Objects.requireNonNull(key, "key");
      this.trust = Objects.requireNonNull(trust, "trust");
      this.runtime = Objects.requireNonNull(runtime, "runtime");
    }

    /**
     * Sets the name, which health, logs and the thread show after {@code tls-}.
     *
     * @param name 1 to 64 printable ASCII characters; default {@code identity}
     * @return this builder
     * @throws IllegalArgumentException if the name breaks its rule
     */
    public Builder name(String name) {
      this.name = Checks.printable("name", name, 64);
      return this;
    }

    /**
     * Sets the interval in which the files are read. A renewal is in use after this time and 1 s at
     * the latest.
     *
     * @param checkInterval 100 ms to 1 h; default 10 s
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder checkInterval(Duration checkInterval) {
      this.checkInterval =
          Checks.inRange(
              "checkInterval", checkInterval, Duration.ofMillis(100), Duration.ofHours(1));
      return this;
    }

    /**
     * Sets the time for which files may be refused before health is degraded.
     *
     * @param degradedAfter 0 to 24 h; default 1 min
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder degradedAfter(Duration degradedAfter) {
      this.degradedAfter =
          Checks.inRange("degradedAfter", degradedAfter, Duration.ZERO, Duration.ofHours(24));
      return this;
    }

    /**
     * Sets the time before the end of the certificate from which health is degraded. It should be
     * shorter than the time that the issuer leaves for a renewal.
     *
     * @param expiryWarning 0 to 90 days; default a fifth of the certificate's time, at most 14 days
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder expiryWarning(Duration expiryWarning) {
      this.expiryWarning =
          Checks.inRange("expiryWarning", expiryWarning, Duration.ZERO, Duration.ofDays(90));
      return this;
    }

    /**
     * Reads the files and begins to check them. Blocks while it reads.
     *
     * @return the identity
     * @throws TlsException if a file can't be read, or the files are not valid together
     */
    public TlsIdentity build() {
      return new TlsIdentity(this);
    }
  }
}
