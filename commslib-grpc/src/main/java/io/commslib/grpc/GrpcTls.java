package io.commslib.grpc;

import io.commslib.core.tls.TlsIdentity;
import io.grpc.ChannelCredentials;
import io.grpc.ServerCredentials;
import io.grpc.TlsChannelCredentials;
import io.grpc.TlsServerCredentials;
import io.grpc.TlsServerCredentials.ClientAuth;
import java.util.Objects;

/**
 * Credentials of a {@link TlsIdentity} for any transport of gRPC: {@code
 * Grpc.newChannelBuilder(target, GrpcTls.channel(identity))}. Each handshake uses the files of that
 * moment, so a server and a channel need no restart when a certificate is renewed.
 *
 * <p>A connection that is open keeps what it began with. Those of a channel are replaced with
 * {@link GrpcCalls.Builder#tls}; for another channel, {@code
 * identity.addChangeListener(channel::enterIdle)} does it. Those of a server end by {@link
 * GrpcServer.Builder#maxConnectionAge}.
 */
public final class GrpcTls {

  private GrpcTls() {}

  /**
   * Returns the credentials of a channel, which shows the certificate of the identity, and checks
   * the server against its authorities and the host name of the target.
   *
   * @param identity outlives the channel
   * @return the credentials, for any number of channels
   */
  public static ChannelCredentials channel(TlsIdentity identity) {
    return TlsChannelCredentials.newBuilder()
        .keyManager(identity.keyManager())
        .trustManager(new HandshakeTrustManager(identity.trustManager()))
        .build();
  }

  /**
   * Returns the credentials of a server whose callers must have a certificate of an authority that
   * the identity trusts. {@link GrpcServer#peer()} states whose it is.
   *
   * @param identity outlives the server
   * @return the credentials, for any number of servers
   */
  public static ServerCredentials server(TlsIdentity identity) {
    return server(identity, ClientAuth.REQUIRE);
  }

  /**
   * Returns the credentials of a server.
   *
   * @param identity outlives the server
   * @param clients whether a caller is asked for a certificate, and must have one
   * @return the credentials, for any number of servers
   */
  public static ServerCredentials server(TlsIdentity identity, ClientAuth clients) {
    return TlsServerCredentials.newBuilder()
        .keyManager(identity.keyManager())
        .trustManager(new HandshakeTrustManager(identity.trustManager()))
        .clientAuth(Objects.requireNonNull(clients, "clients"))
        .build();
  }
}
