package io.commslib.core.tls;

import java.nio.ByteBuffer;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;

/** Shakes hands between a client and a server that has asked for a certificate, in memory. */
final class TlsPair {

  private static final int MAX_ROUNDS = 100;

  private final SSLEngine client;
  private final SSLEngine server;
  private final ByteBuffer toServer = ByteBuffer.allocate(100_000);
  private final ByteBuffer toClient = ByteBuffer.allocate(100_000);
  private final ByteBuffer unused = ByteBuffer.allocate(100_000);

  /** Both sides of a connection. */
  record Sides(SSLSession client, SSLSession server) {
    X509Certificate serverCertificate() throws SSLException {
      return (X509Certificate) client.getPeerCertificates()[0];
    }
  }

  private TlsPair(SSLEngine client, SSLEngine server) {
    this.client = client;
    this.server = server;
  }

  static Sides shakeHands(SSLContext client, SSLContext server, String host) throws SSLException {
    return begin(client, server, host).finish();
  }

  /** Makes both engines; the handshake has not begun. */
  static TlsPair begin(SSLContext client, SSLContext server, String host) {
    SSLEngine caller = client.createSSLEngine(host, 443);
    caller.setUseClientMode(true);
    // Its sessions can be resumed at once; those of 1.3 need data of the application.
    SSLParameters checked = new SSLParameters(null, new String[] {"TLSv1.2"});
    checked.setEndpointIdentificationAlgorithm("HTTPS");
    caller.setSSLParameters(checked);
    SSLEngine called = server.createSSLEngine();
    called.setUseClientMode(false);
    called.setNeedClientAuth(true);
    return new TlsPair(caller, called);
  }

  Sides finish() throws SSLException {
    client.beginHandshake();
    server.beginHandshake();
    for (int round = 0; round < MAX_ROUNDS; round++) {
      boolean isClientDone = step(client, toClient, toServer);
      boolean isServerDone = step(server, toServer, toClient);
      if (isClientDone && isServerDone && toClient.position() + toServer.position() == 0) {
        return new Sides(client.getSession(), server.getSession());
      }
    }
    throw new SSLException("no end of the handshake");
  }

  /** One step of an engine; returns whether its handshake is over. */
  private boolean step(SSLEngine engine, ByteBuffer in, ByteBuffer out) throws SSLException {
    HandshakeStatus status = engine.getHandshakeStatus();
    switch (status) {
      case NEED_TASK -> engine.getDelegatedTask().run();
      case NEED_WRAP -> engine.wrap(ByteBuffer.allocate(0), out);
      case NEED_UNWRAP -> {
        in.flip();
        engine.unwrap(in, unused);
        in.compact();
      }
      default -> {
        return true;
      }
    }
    return false;
  }
}
