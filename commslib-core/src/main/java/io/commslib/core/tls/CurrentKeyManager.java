package io.commslib.core.tls;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * Chooses from the current material. An alias begins with the generation that it is of, so a
 * handshake that has chosen before a change gets certificate and key of one pair after it.
 */
final class CurrentKeyManager extends X509ExtendedKeyManager {

  private static final char SEPARATOR = '/';

  private final Supplier<TlsMaterial> current;
  private final LongFunction<Optional<TlsMaterial>> recent;

  /**
   * Creates a manager.
   *
   * @param current the current material
   * @param recent the material of a generation, while it is kept
   */
  CurrentKeyManager(Supplier<TlsMaterial> current, LongFunction<Optional<TlsMaterial>> recent) {
    this.current = current;
    this.recent = recent;
  }

  private static @Nullable String named(TlsMaterial of, @Nullable String alias) {
    return alias == null ? null : of.generation() + String.valueOf(SEPARATOR) + alias;
  }

  private static String @Nullable [] named(TlsMaterial of, String @Nullable [] aliases) {
    return aliases == null
        ? null
        : Arrays.stream(aliases).map(alias -> named(of, alias)).toArray(String[]::new);
  }

  @Override
  public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
    TlsMaterial now = current.get();
    return named(now, now.keys().getClientAliases(keyType, issuers));
  }

  @Override
  public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
    TlsMaterial now = current.get();
    return named(now, now.keys().getServerAliases(keyType, issuers));
  }

  @Override
  public @Nullable String chooseClientAlias(
      String[] keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
    TlsMaterial now = current.get();
    return named(now, now.keys().chooseClientAlias(keyType, issuers, socket));
  }

  @Override
  public @Nullable String chooseServerAlias(
      String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
    TlsMaterial now = current.get();
    return named(now, now.keys().chooseServerAlias(keyType, issuers, socket));
  }

  @Override
  public @Nullable String chooseEngineClientAlias(
      String[] keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
    TlsMaterial now = current.get();
    return named(now, now.keys().chooseEngineClientAlias(keyType, issuers, engine));
  }

  @Override
  public @Nullable String chooseEngineServerAlias(
      String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
    TlsMaterial now = current.get();
    return named(now, now.keys().chooseEngineServerAlias(keyType, issuers, engine));
  }

  @Override
  public X509Certificate @Nullable [] getCertificateChain(String alias) {
    TlsMaterial of = of(alias);
    return of == null ? null : of.keys().getCertificateChain(inner(alias));
  }

  @Override
  public @Nullable PrivateKey getPrivateKey(String alias) {
    TlsMaterial of = of(alias);
    return of == null ? null : of.keys().getPrivateKey(inner(alias));
  }

  private @Nullable TlsMaterial of(@Nullable String alias) {
    int end = alias == null ? -1 : alias.indexOf(SEPARATOR);
    if (alias == null || end < 1) {
      return null;
    }
    try {
      return recent.apply(Long.parseLong(alias.substring(0, end))).orElse(null);
    } catch (NumberFormatException e) {
      return null;
    }
  }

  private static String inner(String alias) {
    return alias.substring(alias.indexOf(SEPARATOR) + 1);
  }
}
