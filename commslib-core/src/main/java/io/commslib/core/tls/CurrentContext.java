package io.commslib.core.tls;

import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.function.Supplier;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * A context whose engines and sockets are of the context of the current material at the moment they
 * are made. Only a server socket lives longer than one connection, so it has managers that follow
 * the material.
 */
final class CurrentContext extends SSLContext {

  CurrentContext(Supplier<TlsMaterial> current, KeyManager keys, TrustManager trust)
      throws GeneralSecurityException {
    super(new Spi(current, accepting(keys, trust)), current.get().context().getProvider(), "TLS");
  }

  private static SSLContext accepting(KeyManager keys, TrustManager trust)
      throws GeneralSecurityException {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(new KeyManager[] {keys}, new TrustManager[] {trust}, null);
    return context;
  }

  private static final class Spi extends SSLContextSpi {
    private final Supplier<TlsMaterial> current;
    private final SSLContext accepting;

    Spi(Supplier<TlsMaterial> current, SSLContext accepting) {
      this.current = current;
      this.accepting = accepting;
    }

    private SSLContext now() {
      return current.get().context();
    }

    @Override
    protected void engineInit(
        KeyManager @Nullable [] keys,
        TrustManager @Nullable [] trust,
        @Nullable SecureRandom random) {
      throw new IllegalStateException("init (expected: not called, the identity has done so)");
    }

    @Override
    protected SSLSocketFactory engineGetSocketFactory() {
      return new CurrentSocketFactory(() -> now().getSocketFactory());
    }

    @Override
    protected SSLServerSocketFactory engineGetServerSocketFactory() {
      return accepting.getServerSocketFactory();
    }

    @Override
    protected SSLEngine engineCreateSSLEngine() {
      return now().createSSLEngine();
    }

    @Override
    protected SSLEngine engineCreateSSLEngine(String host, int port) {
      return now().createSSLEngine(host, port);
    }

    @Override
    protected SSLSessionContext engineGetServerSessionContext() {
      return now().getServerSessionContext();
    }

    @Override
    protected SSLSessionContext engineGetClientSessionContext() {
      return now().getClientSessionContext();
    }

    @Override
    protected SSLParameters engineGetDefaultSSLParameters() {
      return now().getDefaultSSLParameters();
    }

    @Override
    protected SSLParameters engineGetSupportedSSLParameters() {
      return now().getSupportedSSLParameters();
    }
  }
}
