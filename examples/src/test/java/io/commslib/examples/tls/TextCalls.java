package io.commslib.examples.tls;

import io.commslib.core.tls.PeerIdentity;
import io.commslib.grpc.GrpcServer;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** A service of gRPC without protos, which answers with the subject of its caller. */
final class TextCalls {

  private static final MethodDescriptor<String, String> PEER =
      MethodDescriptor.<String, String>newBuilder()
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("commslib.test.Callers/Peer")
          .setRequestMarshaller(new Text())
          .setResponseMarshaller(new Text())
          .build();

  private TextCalls() {}

  private static final class Text implements Marshaller<String> {
    @Override
    public InputStream stream(String value) {
      return new ByteArrayInputStream(value.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public String parse(InputStream in) {
      try {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  static ServerServiceDefinition service() {
    return ServerServiceDefinition.builder("commslib.test.Callers")
        .addMethod(
            PEER,
            ServerCalls.asyncUnaryCall(
                (request, to) -> {
                  to.onNext(GrpcServer.peer().map(PeerIdentity::subject).orElse("none"));
                  to.onCompleted();
                }))
        .build();
  }

  /** Not idempotent, so a call that fails is not repeated. */
  static String peer(Channel channel) {
    return ClientCalls.blockingUnaryCall(channel, PEER, CallOptions.DEFAULT, "");
  }
}
