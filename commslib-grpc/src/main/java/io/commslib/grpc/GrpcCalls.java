package io.commslib.grpc;

import io.commslib.core.Failures;
import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallTarget;
import io.commslib.core.checks.Checks;
import io.commslib.core.tls.TlsIdentity;
import io.commslib.resilience.Resilience;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptor;
import io.grpc.ClientStreamTracer;
import io.grpc.Grpc;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Protects the calls of a channel, so that any stub on it needs no change: blocking, future and
 * asynchronous ones. Each call has a deadline, is repeated where its method declares that to be
 * harmless, and fails at once while the breaker of its service is open.
 *
 * <p>Unary calls, and streams of answers up to their first message, are repeated by the policy of
 * their service, and by nothing else. A call with a stream of requests has one attempt. A method is
 * {@code SAFE} or {@code IDEMPOTENT} as its {@code idempotency_level} states, {@code KEYED} if
 * {@link Builder#keyed} names it or the call has a key, else {@code NON_IDEMPOTENT}.
 *
 * <p>A stub throws gRPC's {@code StatusRuntimeException}. After an answer its status and trailers
 * are those of the server. Otherwise its cause is the {@code CallException}, whose code begins the
 * description.
 */
public final class GrpcCalls {

  /**
   * The caller's own idempotency key, an option of a stub: {@code
   * stub.withOption(GrpcCalls.IDEMPOTENCY_KEY, "order-17")}. The call is {@code KEYED}, and each of
   * its attempts has this key. 1 to 255 printable ASCII characters.
   */
  public static final CallOptions.Key<String> IDEMPOTENCY_KEY =
      CallOptions.Key.create("commslib-idempotency-key");

  /**
   * The subset of the instances to which a call goes, whatever the weights of a split, an option of
   * a stub: {@code stub.withOption(GrpcCalls.SUBSET, "canary")}. 1 to 128 printable ASCII
   * characters.
   */
  public static final CallOptions.Key<String> SUBSET = CallOptions.Key.create("commslib-subset");

  private GrpcCalls() {}

  /**
   * Protects a channel that is being built, with all defaults.
   *
   * @param channel the builder of the channel
   * @param resilience the calls of the process
   * @param service the name of the service, whose guard its calls have
   * @return the builder to continue with
   */
  public static ManagedChannelBuilder<?> protect(
      ManagedChannelBuilder<?> channel, Resilience resilience, String service) {
    return builder(resilience, service).protect(channel);
  }

  /**
   * Starts a protected channel with TLS, with all defaults. Its connections have the certificate of
   * the identity, and are renewed after each change of it as {@link Builder#tls} states.
   *
   * @param target the target of the channel, for example {@code dns:///stock:9090}
   * @param identity outlives the channel
   * @param resilience the calls of the process
   * @param service the name of the service, whose guard its calls have
   * @return the builder to continue with
   */
  public static ManagedChannelBuilder<?> protect(
      String target, TlsIdentity identity, Resilience resilience, String service) {
    return builder(resilience, service)
        .tls(identity)
        .protect(Grpc.newChannelBuilder(target, GrpcTls.channel(identity)));
  }

  /**
   * Returns an interceptor that protects the calls of a channel that exists, with all defaults.
   *
   * @param resilience the calls of the process
   * @param service the name of the service, whose guard its calls have
   * @return the interceptor, of one channel
   */
  public static ClientInterceptor interceptor(Resilience resilience, String service) {
    return builder(resilience, service).interceptor();
  }

  /**
   * Returns what is known about a call that has failed.
   *
   * @param failure what a stub of a protected channel has thrown
   * @return the outcome: status, certainty, and the advice of the server
   */
  public static CallOutcome outcome(StatusRuntimeException failure) {
    Optional<CallException> call = Failures.find(failure, CallException.class);
    if (call.isPresent()) {
      return call.get().outcome();
    }
    Metadata trailers = failure.getTrailers();
    return GrpcOutcomes.of(
        new AttemptEnd(
            failure.getStatus(),
            trailers == null ? new Metadata() : trailers,
            SendCertainty.ANSWERED));
  }

  /**
   * Starts the settings of a channel.
   *
   * @param resilience the calls of the process
   * @param service the name of the service, 1 to 128 printable ASCII characters
   * @return a builder
   * @throws IllegalArgumentException if the name breaks its rule
   * @throws io.commslib.core.CommsException {@code COMMS-GRPC-005} if the grpc-java on the class
   *     path is older than 1.77
   */
  public static Builder builder(Resilience resilience, String service) {
    GrpcVersion.check(ClientStreamTracer.StreamInfo.class);
    return new Builder(resilience, service);
  }

  /** Collects the settings of a channel. Mutable; confined to one thread. */
  public static final class Builder {
    private static final Duration MIN_TIME = Duration.ofMillis(10);
    private static final Duration MAX_TIME = Duration.ofHours(24);

    private final Resilience resilience;
    private final String service;
    private final Set<String> keyed = new HashSet<>();
    private final Map<String, Predicate<SocketAddress>> subsets = new LinkedHashMap<>();
    private Duration streamTime = Duration.ofHours(1);
    private final GrpcRetries retries = new GrpcRetries();
    private Metadata.@Nullable Key<String> subsetHeader;
    private @Nullable Duration firstMessageTime;
    private @Nullable TlsIdentity tls;
    private @Nullable Backends backends;

    private Builder(Resilience resilience, String service) {
      this.resilience = Objects.requireNonNull(resilience, "resilience");
      this.service = Checks.printable("service", service, CallTarget.MAX_NAME_CHARS);
    }

    String service() {
      return service;
    }

    Set<String> keyed() {
      return keyed;
    }

    Duration streamTime() {
      return streamTime;
    }

    Metadata.@Nullable Key<String> subsetHeader() {
      return subsetHeader;
    }

    Set<String> subsets() {
      return subsets.keySet();
    }

    @Nullable Duration firstMessageTime() {
      return firstMessageTime;
    }

    /**
     * Adds methods whose calls have an idempotency key, the same one on every attempt. The server
     * must run a key once.
     *
     * @param methods the methods; default none
     * @return this builder
     */
    public Builder keyed(MethodDescriptor<?, ?>... methods) {
      for (MethodDescriptor<?, ?> method : methods) {
        keyed.add(method.getFullMethodName());
      }
      return this;
    }

    /**
     * Sets the longest time of a stream, from its start to its end. An earlier deadline of the
     * stub, of gRPC's context or of the {@code CallContext} holds.
     *
     * @param streamTime 10 ms to 24 h; default 1 h
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder streamTime(Duration streamTime) {
      this.streamTime = Checks.inRange("streamTime", streamTime, MIN_TIME, MAX_TIME);
      return this;
    }

    /**
     * Sets the time in which the first message of a stream of answers must arrive, for servers that
     * have nothing to send at first. One attempt may use all of it.
     *
     * @param firstMessageTime 10 ms to 24 h; default the deadline and the attempt timeout of the
     *     policy
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder firstMessageTime(Duration firstMessageTime) {
      this.firstMessageTime =
          Checks.inRange("firstMessageTime", firstMessageTime, MIN_TIME, MAX_TIME);
      return this;
    }

    /**
     * Adds a subset of the instances, to which a split of the policy or {@link GrpcCalls#SUBSET}
     * sends calls. Instances may be in several subsets, and calls without a subset go to all.
     *
     * @param name the subset, 1 to 128 printable ASCII characters; default none
     * @param members whether an address is in the subset; called whenever connections change
     * @return this builder
     * @throws IllegalArgumentException if the name breaks its rule
     */
    public Builder subset(String name, Predicate<SocketAddress> members) {
      subsets.put(
          Checks.printable("subset", name, CallTarget.MAX_NAME_CHARS),
          Objects.requireNonNull(members, "members"));
      return this;
    }

    /**
     * Sets the name of the metadata whose value names the subset of a call, whatever the weights of
     * a split; {@link GrpcCalls#SUBSET} counts more. An interceptor that passes it on keeps all
     * calls of a request in one subset. A value that is none of the subsets of this builder is
     * ignored, since a stranger may have set it. The metadata is sent with the call.
     *
     * @param name lower-case letters, digits, {@code -}, {@code _} and {@code .}, for example
     *     {@code x-subset}; default none
     * @return this builder
     * @throws IllegalArgumentException if it is no name of metadata, or one of binary metadata
     */
    public Builder subsetHeader(String name) {
      this.subsetHeader = Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
      return this;
    }

    /**
     * Renews the connections of a protected channel after each change of an identity, whose {@link
     * GrpcTls#channel} the builder of the channel has. A new connection to each backend takes the
     * place of the one before once it is established, after 30 s at the latest. Calls that are in
     * flight end on the connection on which they began, and no call fails for it.
     *
     * @param identity outlives the channel; default none
     * @return this builder
     */
    public Builder tls(TlsIdentity identity) {
      this.tls = Objects.requireNonNull(identity, "identity");
      return this;
    }

    /**
     * Returns the number of times that gRPC has sent a call again by itself, because no server has
     * seen it. Such a repetition is no attempt of the policy.
     *
     * @return the number since the start, of the channel that was made with this builder
     */
    public long transparentRetries() {
      return retries.transparentCount();
    }

    /**
     * Protects a channel that is being built. Interceptors that were added to it before run for
     * each attempt, those added later once for each call. Sets a keepalive of 5 minutes, which
     * servers of gRPC permit by default, and a balancer of the library; what is set on the returned
     * builder takes its place.
     *
     * @param channel the builder of the channel
     * @return the builder to continue with; its {@code defaultServiceConfig} refuses a retry or
     *     hedging policy with {@code COMMS-GRPC-001}
     */
    public ManagedChannelBuilder<?> protect(ManagedChannelBuilder<?> channel) {
      return ProtectedChannelBuilder.of(channel, this);
    }

    /**
     * Returns an interceptor that protects the calls of a channel that exists. Thread-safe.
     *
     * @return the interceptor, of one channel
     */
    public ClientInterceptor interceptor() {
      return new ProtectedCalls(this, resilience, retries, null);
    }

    ClientInterceptor interceptor(Backends backends) {
      return new ProtectedCalls(this, resilience, retries, backends);
    }

    Backends newBackends() {
      backends = new Backends(service, subsets, tls, resilience.runtime());
      return backends;
    }

    /** The backends of the channel that was protected last, or null. */
    @Nullable Backends backends() {
      return backends;
    }
  }
}
