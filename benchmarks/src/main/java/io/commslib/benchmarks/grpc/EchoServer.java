package io.commslib.benchmarks.grpc;

import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannelBuilder;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** A bare server that returns what it gets, once or many times. Messages are bytes. */
final class EchoServer implements AutoCloseable {

  static final int MESSAGES = 1_000;

  private static final MethodDescriptor.Marshaller<byte[]> BYTES =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
          return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
          try {
            return stream.readAllBytes();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
      };

  static final MethodDescriptor<byte[], byte[]> ECHO =
      MethodDescriptor.newBuilder(BYTES, BYTES)
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("benchmark.Echo/Once")
          .setSafe(true)
          .setIdempotent(true)
          .build();

  static final MethodDescriptor<byte[], byte[]> STREAM =
      MethodDescriptor.newBuilder(BYTES, BYTES)
          .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
          .setFullMethodName("benchmark.Echo/Many")
          .setSafe(true)
          .setIdempotent(true)
          .build();

  private final Server server;

  EchoServer(boolean direct) throws IOException {
    var builder = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create());
    if (direct) {
      builder.directExecutor();
    }
    server =
        builder
            .addService(
                ServerServiceDefinition.builder("benchmark.Echo")
                    .addMethod(
                        ECHO,
                        ServerCalls.asyncUnaryCall(
                            (request, to) -> {
                              to.onNext(request);
                              to.onCompleted();
                            }))
                    .addMethod(
                        STREAM,
                        ServerCalls.asyncServerStreamingCall(
                            (request, to) ->
                                stream(request, (ServerCallStreamObserver<byte[]>) to)))
                    .build())
            .build()
            .start();
  }

  private static void stream(byte[] request, ServerCallStreamObserver<byte[]> to) {
    int[] sent = {0};
    Runnable more =
        () -> {
          while (to.isReady() && sent[0] < MESSAGES) {
            sent[0]++;
            to.onNext(request);
          }
          if (sent[0] == MESSAGES) {
            sent[0]++;
            to.onCompleted();
          }
        };
    to.setOnReadyHandler(more);
    more.run();
  }

  ManagedChannelBuilder<?> channel() {
    return Grpc.newChannelBuilder(
        "127.0.0.1:" + server.getPort(), InsecureChannelCredentials.create());
  }

  @Override
  public void close() {
    server.shutdownNow();
  }
}
