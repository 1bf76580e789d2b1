package io.commslib.examples.shop.platform;

import io.commslib.core.Health;
import io.commslib.core.lifecycle.LifecycleComponent;
import io.commslib.grpc.GrpcCalls;
import io.commslib.resilience.Resilience;
import io.grpc.Channel;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A protected channel that ends with the lifecycle of its user. */
public final class QueryChannel implements LifecycleComponent {

  /** Streams begin when the service has read its database. */
  private static final Duration FIRST_MESSAGE = Duration.ofSeconds(5);

  private final String name;
  private final ManagedChannel channel;

  private QueryChannel(String name, ManagedChannel channel) {
    this.name = name;
    this.channel = channel;
  }

  static QueryChannel to(String target, String guard, Resilience calls) {
    return new QueryChannel(
        "channel-" + guard,
        GrpcCalls.builder(calls, guard)
            .firstMessageTime(FIRST_MESSAGE)
            .protect(Grpc.newChannelBuilder(target, InsecureChannelCredentials.create()))
            .build());
  }

  /** {@return the channel, for stubs} */
  public Channel channel() {
    return channel;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void start() {
    // Connects with the first call.
  }

  @Override
  public boolean drain(Duration timeout) {
    channel.shutdown();
    try {
      return channel.awaitTermination(timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return channel.isTerminated();
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }

  @Override
  public Health health() {
    return Health.of(Health.Status.UP, "", Map.of());
  }
}
