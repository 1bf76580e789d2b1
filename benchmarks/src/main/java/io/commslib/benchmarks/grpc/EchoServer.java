package io.commslib.benchmarks.grpc;

import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannelBuilder;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
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

  /**
   * One thread for the server and one for all channels. In gRPC's shared group a channel may have
   * the thread of its server or another one, by chance; that alone doubles a rate or halves it.
   */
  private final EventLoopGroup ofServer = oneThread();

  private final EventLoopGroup ofChannels = oneThread();
  private final Server server;

  private static EventLoopGroup oneThread() {
    return new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  }

  EchoServer(boolean direct) throws IOException {
    NettyServerBuilder builder =
        NettyServerBuilder.forPort(0, InsecureServerCredentials.create())
            .bossEventLoopGroup(ofServer)
            .workerEventLoopGroup(ofServer)
            .channelType(NioServerSocketChannel.class);
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
    return NettyChannelBuilder.forTarget(
            "127.0.0.1:" + server.getPort(), InsecureChannelCredentials.create())
        .eventLoopGroup(ofChannels)
        .channelType(NioSocketChannel.class);
  }

  @Override
  public void close() {
    server.shutdownNow();
    var unusedServer = ofServer.shutdownGracefully();
    var unusedChannels = ofChannels.shutdownGracefully();
  }
}
