package io.commslib.grpc;

import io.grpc.ForwardingChannelBuilder2;
import io.grpc.ManagedChannelBuilder;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** A builder of channels that refuses settings which would repeat calls a second time. */
final class ProtectedChannelBuilder extends ForwardingChannelBuilder2<ProtectedChannelBuilder> {

  /** The shortest time that servers of gRPC permit by default. */
  private static final long KEEPALIVE_MINUTES = 5;

  private static final long KEEPALIVE_TIMEOUT_SECONDS = 20;

  private final ManagedChannelBuilder<?> channel;

  private ProtectedChannelBuilder(ManagedChannelBuilder<?> channel) {
    this.channel = channel;
  }

  static ProtectedChannelBuilder of(ManagedChannelBuilder<?> channel, GrpcCalls.Builder settings) {
    Objects.requireNonNull(channel, "channel");
    Backends backends = settings.newBackends();
    BackendBalancer.register();
    channel
        .intercept(settings.interceptor(backends))
        .setNameResolverArg(Backends.KEY, backends)
        .defaultLoadBalancingPolicy(BackendBalancer.POLICY)
        .keepAliveTime(KEEPALIVE_MINUTES, TimeUnit.MINUTES)
        .keepAliveTimeout(KEEPALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS);
    return new ProtectedChannelBuilder(channel);
  }

  @Override
  protected ManagedChannelBuilder<?> delegate() {
    return channel;
  }

  @Override
  public ProtectedChannelBuilder defaultServiceConfig(Map<String, ?> config) {
    if (config.get("methodConfig") instanceof List<?> methods) {
      for (Object method : methods) {
        if (method instanceof Map<?, ?> settings
            && (settings.containsKey("retryPolicy") || settings.containsKey("hedgingPolicy"))) {
          throw GrpcErrors.foreignRetryPolicy();
        }
      }
    }
    return super.defaultServiceConfig(config);
  }
}
