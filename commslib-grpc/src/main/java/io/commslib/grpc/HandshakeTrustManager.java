package io.commslib.grpc;

import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Checks peers by the manager of an identity, within what transports of gRPC keep for long.
 *
 * <p>A transport has one context for all generations of the files, and a session that is resumed
 * keeps the check and the certificates of before. So sessions may be resumed for a second only.
 *
 * <p>It names no authorities. A transport reads that list once, and a caller chooses its
 * certificate by it: the list of before would keep out callers whose authority is new.
 */
final class HandshakeTrustManager extends X509ExtendedTrustManager {

  /** The shortest time that is not "no limit". */
  static final int SESSION_SECONDS = 1;

  private final X509ExtendedTrustManager checks;

  HandshakeTrustManager(X509ExtendedTrustManager checks) {
    this.checks = checks;
  }

  private static void boundSessions(SSLEngine engine) {
    SSLSession session = engine.getHandshakeSession();
    SSLSessionContext context = session == null ? null : session.getSessionContext();
    if (context != null && context.getSessionTimeout() != SESSION_SECONDS) {
      context.setSessionTimeout(SESSION_SECONDS);
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    checks.checkClientTrusted(chain, authType);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    checks.checkServerTrusted(chain, authType);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    checks.checkClientTrusted(chain, authType, socket);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    checks.checkServerTrusted(chain, authType, socket);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    checks.checkClientTrusted(chain, authType, engine);
    boundSessions(engine);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    checks.checkServerTrusted(chain, authType, engine);
    boundSessions(engine);
  }

  /** {@return none, which a handshake states as no restriction} */
  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
