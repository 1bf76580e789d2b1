package io.commslib.grpc;

import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.time.SystemRuntime;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.RecordingObserver;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** Calls with short waits between attempts, and servers and channels that end with the test. */
final class GrpcFixture implements AutoCloseable {

  final SystemRuntime runtime = SystemRuntime.create();
  final RecordingObserver observer = new RecordingObserver();

  final Resilience resilience;

  private final List<AutoCloseable> open = new ArrayList<>();

  GrpcFixture() {
    resilience = resilience(observer);
  }

  /** Creates a fixture whose calls are observed by the test's own observer. */
  GrpcFixture(CommsObserver own) {
    resilience = resilience(own);
  }

  private Resilience resilience(CommsObserver of) {
    return Resilience.builder(runtime)
        .observer(of)
        .defaults(policy(Duration.ofSeconds(5)).build())
        .build();
  }

  static CallPolicy.Builder policy(Duration attempt) {
    return CallPolicy.builder()
        .deadline(Duration.ofSeconds(10))
        .attemptTimeout(attempt)
        .retry(
            RetryPolicy.defaults()
                .withBackoff(Backoff.exponential(Duration.ofMillis(1), Duration.ofMillis(5))));
  }

  RemoteStock remote() throws IOException {
    RemoteStock remote = new RemoteStock().listen(0);
    open.add(remote);
    return remote;
  }

  /** A server of the library on a free port. */
  GrpcServer server(RemoteStock stock, UnaryOperator<GrpcServer.Builder> settings) {
    GrpcServer server =
        settings
            .apply(
                GrpcServer.builder(
                        Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create()),
                        resilience)
                    .drainDelay(Duration.ZERO)
                    .service(stock.recorded()))
            .build();
    open.add(server::close);
    server.start();
    return server;
  }

  /** A bare channel, whose calls are made once. */
  ManagedChannel bare(int port) {
    return built(builder(port));
  }

  /** A protected channel of the service {@code stock}. */
  ManagedChannel channel(int port) {
    return channel(port, settings -> settings);
  }

  ManagedChannel channel(int port, UnaryOperator<GrpcCalls.Builder> settings) {
    return built(settings.apply(GrpcCalls.builder(resilience, "stock")).protect(builder(port)));
  }

  static ManagedChannelBuilder<?> builder(int port) {
    return Grpc.newChannelBuilder("127.0.0.1:" + port, InsecureChannelCredentials.create());
  }

  ManagedChannel built(ManagedChannelBuilder<?> builder) {
    ManagedChannel channel = builder.build();
    open.add(channel::shutdownNow);
    return channel;
  }

  <T extends AutoCloseable> T add(T closeable) {
    open.add(closeable);
    return closeable;
  }

  @Override
  public void close() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
    resilience.close();
    runtime.close();
  }
}
