package io.commslib.http.server;

/** Whether callers of a server with TLS have a certificate. */
public enum ClientCertificate {
  /** Callers are not asked for one. */
  NONE,
  /** Callers are asked for one, and may have none. One that is not trusted is refused. */
  OPTIONAL,
  /** A handshake without a trusted one is refused, health included. */
  REQUIRED
}
