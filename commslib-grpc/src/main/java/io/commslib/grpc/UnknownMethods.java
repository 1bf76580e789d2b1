package io.commslib.grpc;

import io.grpc.HandlerRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/** Answers calls of methods that no service has. gRPC's own answer would repeat the name. */
final class UnknownMethods extends HandlerRegistry {

  private static final MethodDescriptor.Marshaller<byte[]> NO_BYTES =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
          return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
          return new byte[0];
        }
      };

  private static final ServerMethodDefinition<byte[], byte[]> UNKNOWN =
      ServerMethodDefinition.create(
          MethodDescriptor.newBuilder(NO_BYTES, NO_BYTES)
              .setType(MethodDescriptor.MethodType.UNKNOWN)
              .setFullMethodName("commslib/unknown")
              .build(),
          new ServerCallHandler<>() {
            @Override
            public ServerCall.Listener<byte[]> startCall(
                ServerCall<byte[], byte[]> call, Metadata headers) {
              GrpcProblem problem = ServerProblems.unknownMethod();
              call.close(problem.grpcStatus(), problem.trailers());
              return new ServerCall.Listener<>() {};
            }
          });

  @Override
  public ServerMethodDefinition<?, ?> lookupMethod(String method, @Nullable String authority) {
    return UNKNOWN;
  }
}
