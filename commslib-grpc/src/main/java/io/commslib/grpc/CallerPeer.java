package io.commslib.grpc;

import io.commslib.core.tls.PeerIdentity;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.ServerCall;
import java.util.Optional;
import javax.net.ssl.SSLSession;

/** Takes the session of a connection to the handlers of its calls. */
final class CallerPeer {

  private static final Context.Key<SSLSession> SESSION = Context.key("commslib-tls-session");

  private CallerPeer() {}

  /** Returns a context that knows the connection of a call, the same one without TLS. */
  static Context in(Context context, ServerCall<?, ?> call) {
    SSLSession session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
    return session == null ? context : context.withValue(SESSION, session);
  }

  /** Reads the certificate only when it is asked for. */
  static Optional<PeerIdentity> current() {
    SSLSession session = SESSION.get();
    return session == null ? Optional.empty() : PeerIdentity.of(session);
  }
}
