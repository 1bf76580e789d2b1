package io.commslib.http.server;

import io.commslib.core.tls.PeerIdentity;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;

/**
 * A request as a server has received it. Adapters for servers implement it and pass it to {@link
 * HttpRoutes#handle(ServerRequest)}. Used by one thread.
 */
public interface ServerRequest {

  /** {@return the method, in upper case, for example {@code GET}} */
  String method();

  /** {@return the path as it was sent, not decoded and not normalized} */
  String rawPath();

  /** {@return the query as it was sent, not decoded; empty if there is none} */
  String rawQuery();

  /**
   * Returns the values of a header field.
   *
   * @param name the name, compared without regard to case
   * @return the values in the order of the request, empty if there are none
   */
  List<String> headers(String name);

  /**
   * Returns the body, which is read at most once. A read that blocks must end when its thread is
   * interrupted, as those of channels and of Jetty do: so a body that arrives too slowly is cut.
   *
   * @return the body without transfer coding
   */
  InputStream body();

  /**
   * Returns who the caller is by its certificate, which the handshake has checked.
   *
   * @return the identity; by default empty, as without TLS or without a certificate of the client
   */
  default Optional<PeerIdentity> peer() {
    return Optional.empty();
  }
}
