package io.commslib.grpc;

import io.commslib.core.CommsException;
import io.commslib.core.Failures;
import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.checks.Checks;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.lifecycle.LifecycleComponent;
import io.commslib.core.resilience.ConcurrencyLimiter;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.Timeouts;
import io.commslib.core.tls.PeerIdentity;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.resilience.Resilience;
import io.grpc.BindableService;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Serves ordinary services over gRPC, as a component of a {@link
 * io.commslib.core.lifecycle.Lifecycle}. Each call runs under a {@link
 * io.commslib.core.call.CallContext} with the deadline and the trace of its caller, within bounds
 * of number and time, and each failure becomes a {@link GrpcProblem} with a code and without
 * content. A call that is cancelled or whose time is over interrupts its handler.
 *
 * <p>The health service states each service and the server as a whole, and depends on no other
 * service: a remote that fails must not remove all instances of this one. Thread-safe.
 */
public final class GrpcServer implements LifecycleComponent {

  /** The default of {@link Builder#maxInFlight}. */
  public static final int DEFAULT_MAX_IN_FLIGHT = 256;

  private final String name;
  private final CommsRuntime runtime;
  private final Serving serving;
  private final Server server;
  private final HealthStatusManager health = new HealthStatusManager();
  private final DrainedStreams watches = new DrainedStreams();
  private final List<String> services = new ArrayList<>();
  private final Duration drainDelay;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile LifecycleState state = LifecycleState.NEW;
  private boolean hasLeft;

  private GrpcServer(Builder from, CommsRuntime runtime) {
    this.name = "grpc-" + from.name;
    this.runtime = runtime;
    this.serving = new Serving(from, runtime);
    this.drainDelay = from.drainDelay;
    ServedCalls calls = new ServedCalls(serving, from.caller);
    ServerBuilder<?> builder = from.server;
    for (ServerServiceDefinition service : from.services) {
      builder.addService(ServerInterceptors.intercept(RequestParsing.of(service), calls));
      services.add(service.getServiceDescriptor().getName());
    }
    builder.addService(ServerInterceptors.intercept(health.getHealthService(), watches));
    if (from.reflection) {
      builder.addService(
          ServerInterceptors.intercept(ProtoReflectionServiceV1.newInstance(), watches));
    }
    builder.addStreamTracerFactory(new TimeoutHeader());
    builder.fallbackHandlerRegistry(new UnknownMethods());
    builder.maxConnectionAge(from.maxConnectionAge.toMillis(), TimeUnit.MILLISECONDS);
    this.server = builder.build();
    report(ServingStatus.NOT_SERVING);
  }

  /**
   * Starts the configuration of a server.
   *
   * @param server the transport with its port and credentials; its fallback registry, its maximum
   *     connection age and its services are set here
   * @param resilience the calls of the process, which outlives the server
   * @return a builder
   */
  public static Builder builder(ServerBuilder<?> server, Resilience resilience) {
    return new Builder(server, resilience);
  }

  /**
   * Returns the transaction of the handler that runs, of a method with {@link
   * Builder#idempotency(MethodDescriptor, IdempotentRequests, TransactionRunner)}.
   *
   * @return the transaction
   * @throws IllegalStateException if the current method has none
   */
  public static TransactionContext transaction() {
    KeyedCall<?, ?> call = KeyedCall.CURRENT.get();
    TransactionContext tx = call == null ? null : call.transaction();
    if (tx == null) {
      throw new IllegalStateException(
          "transaction: none (expected: within a method whose answer is stored in one)");
    }
    return tx;
  }

  /**
   * Returns who has made the call of the handler that runs, by the certificate that the handshake
   * has checked. Also within {@link Builder#caller}.
   *
   * @return the identity; empty without TLS or without a certificate of the caller
   */
  public static Optional<PeerIdentity> peer() {
    return CallerPeer.current();
  }

  private void report(ServingStatus status) {
    health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, status);
    services.forEach(service -> health.setStatus(service, status));
  }

  /** {@return the name, after {@code grpc-}} */
  @Override
  public String name() {
    return name;
  }

  /**
   * Listens, and reports each service as serving.
   *
   * @throws CommsException {@code COMMS-GRPC-110} if the port can't be listened on
   * @throws IllegalStateException if it was started or closed before
   */
  @Override
  public void start() {
    lock.lock();
    try {
      if (state != LifecycleState.NEW) {
        throw new IllegalStateException("state: " + state + " (expected: NEW)");
      }
      server.start();
      state = LifecycleState.RUNNING;
      report(ServingStatus.SERVING);
    } catch (IOException e) {
      throw new GrpcServerException("can't listen: " + Failures.text(e), e);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Returns the port on which the server listens.
   *
   * @return the port
   * @throws IllegalStateException if it does not listen
   */
  public int port() {
    if (state == LifecycleState.NEW || state == LifecycleState.CLOSED) {
      throw new IllegalStateException("state: " + state + " (expected: RUNNING)");
    }
    return server.getPort();
  }

  /**
   * Reports all services as not serving, for good. Calls are served all the same, until the callers
   * have learnt of it. Does nothing before the start. Returns at once. Idempotent.
   */
  @Override
  public void stopIntake() {
    lock.lock();
    try {
      if (state == LifecycleState.NEW) {
        return;
      }
      if (state == LifecycleState.RUNNING) {
        state = LifecycleState.DRAINING;
      }
      leave();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Stops the intake, waits for {@link Builder#drainDelay}, sends callers away by GOAWAY, and waits
   * for the calls in flight. A call that has arrived before gets its answer, and gRPC repeats one
   * that has crossed the GOAWAY elsewhere. Does nothing before the start. Blocks; an interrupt ends
   * the wait.
   *
   * @param timeout maximum wait
   * @return whether all calls have ended
   */
  @Override
  public boolean drain(Duration timeout) {
    stopIntake();
    if (state != LifecycleState.DRAINING) {
      return true;
    }
    long end = runtime.time().nanoTime() + Timeouts.nanos(timeout);
    try {
      Duration wait = drainDelay.compareTo(timeout) < 0 ? drainDelay : timeout;
      if (!wait.isZero() && !server.isShutdown()) {
        runtime.pause(wait);
      }
      server.shutdown();
      watches.end();
      long left = Math.max(0, end - runtime.time().nanoTime());
      return server.awaitTermination(left, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return server.isTerminated();
    }
  }

  /** Lock held. Reports all services as not serving; gRPC warns if that is repeated. */
  private void leave() {
    if (!hasLeft) {
      hasLeft = true;
      health.enterTerminalState();
    }
  }

  /** Interrupts the calls in flight, ends all connections and frees the port. Idempotent. */
  @Override
  public void close() {
    lock.lock();
    try {
      state = LifecycleState.CLOSED;
      leave();
      server.shutdownNow();
    } finally {
      lock.unlock();
    }
  }

  /** {@return up while calls are taken, with the figures of the calls} */
  @Override
  public Health health() {
    Map<String, String> details = new TreeMap<>();
    details.put("inFlight", Integer.toString(serving.inFlight()));
    details.put("refused", Long.toString(serving.refused()));
    details.put("overruns", Long.toString(serving.overruns()));
    serving.limit().ifPresent(limit -> details.put("limit", Integer.toString(limit)));
    LifecycleState now = state;
    return now == LifecycleState.RUNNING
        ? Health.of(Health.Status.UP, "", details)
        : Health.of(Health.Status.DOWN, "state: " + now, details);
  }

  /** Collects services and settings. Mutable; confined to one thread. */
  public static final class Builder {
    private static final int MAX_METHOD_CHARS = 119;

    private final ServerBuilder<?> server;
    private final Resilience resilience;
    private final List<ServerServiceDefinition> services = new ArrayList<>();
    final Map<String, KeyedMethod> keyed = new HashMap<>();
    private String name = "server";
    private boolean reflection;
    private Duration maxConnectionAge = Duration.ofMinutes(5);
    private Duration drainDelay = Duration.ofSeconds(1);
    private Function<Metadata, String> caller = headers -> "any";
    @Nullable ConcurrencyLimiter limiter;
    int maxInFlight = DEFAULT_MAX_IN_FLIGHT;
    Duration maxTimeout = Duration.ofSeconds(60);
    Duration retryAfter = Duration.ofSeconds(1);

    private Builder(ServerBuilder<?> server, Resilience resilience) {
      this.server = Objects.requireNonNull(server, "server");
      this.resilience = Objects.requireNonNull(resilience, "resilience");
    }

    /**
     * Sets the name, which is shown after {@code grpc-} in health and logs.
     *
     * @param name 1 to 64 printable ASCII characters; default {@code server}
     * @return this builder
     * @throws IllegalArgumentException if the name breaks its rule
     */
    public Builder name(String name) {
      this.name = Checks.printable("name", name, 64);
      return this;
    }

    /**
     * Adds a service. Default none.
     *
     * @param service an ordinary service, for example an {@code ImplBase}
     * @return this builder
     * @throws IllegalArgumentException if a service of its name was added before
     */
    public Builder service(BindableService service) {
      return service(service.bindService());
    }

    /**
     * Adds a service that is bound, for example with interceptors of its own, which run within the
     * context of the call. Default none.
     *
     * @param service the service
     * @return this builder
     * @throws IllegalArgumentException if a service of its name was added before
     */
    public Builder service(ServerServiceDefinition service) {
      String serviceName = service.getServiceDescriptor().getName();
      boolean isNew =
          services.stream()
              .noneMatch(other -> other.getServiceDescriptor().getName().equals(serviceName));
      Checks.check(isNew, "service", serviceName, "each once");
      services.add(service);
      return this;
    }

    /**
     * Runs the handler of a unary method once for each idempotency key, under a lease of 2 minutes.
     * Its effects may be in any system. Repetitions get the stored answer. Default none.
     *
     * @param method the method
     * @param store keeps keys and answers
     * @return this builder
     * @throws IllegalArgumentException if the method is not unary or its name is too long
     */
    public Builder idempotency(MethodDescriptor<?, ?> method, IdempotencyStore store) {
      return idempotency(method, IdempotentRequests.builder(store).build());
    }

    /**
     * Runs the handler of a unary method once for each idempotency key, under a lease. Default
     * none.
     *
     * @param method the method
     * @param requests the store with its lease; a failure whose status corresponds to an HTTP
     *     status of 500 and above is not stored by default, so the next call runs the handler again
     * @return this builder
     * @throws IllegalArgumentException if the method is not unary or its name is too long
     */
    public Builder idempotency(MethodDescriptor<?, ?> method, IdempotentRequests requests) {
      return keyed(method, new KeyedMethod(Objects.requireNonNull(requests, "requests"), null));
    }

    /**
     * Runs the handler of a unary method once for each idempotency key, in a transaction that its
     * stored answer commits with. The handler gets it by {@link GrpcServer#transaction()}, and must
     * answer before it returns. Default none.
     *
     * @param method the method
     * @param requests the store
     * @param transactions transactions on the store's database
     * @return this builder
     * @throws IllegalArgumentException if the method is not unary or its name is too long
     */
    public Builder idempotency(
        MethodDescriptor<?, ?> method,
        IdempotentRequests requests,
        TransactionRunner transactions) {
      Objects.requireNonNull(requests, "requests");
      Objects.requireNonNull(transactions, "transactions");
      return keyed(method, new KeyedMethod(requests, transactions));
    }

    private Builder keyed(MethodDescriptor<?, ?> method, KeyedMethod how) {
      Checks.check(
          method.getType() == MethodDescriptor.MethodType.UNARY,
          "method",
          method.getType(),
          "UNARY");
      keyed.put(Checks.printable("method", method.getFullMethodName(), MAX_METHOD_CHARS), how);
      return this;
    }

    /**
     * Sets the name of the caller whose keys are independent of those of other callers.
     *
     * @param caller returns 1 to 80 printable ASCII characters for the metadata of a call, for
     *     example one of {@link GrpcServer#peer()}; default one for all
     * @return this builder
     */
    public Builder caller(Function<Metadata, String> caller) {
      this.caller = Objects.requireNonNull(caller, "caller");
      return this;
    }

    /**
     * Sets a limiter of the handlers that run at the same time, which may adapt to their times. A
     * call asks once its request is complete. One that is refused is answered with {@code
     * RESOURCE_EXHAUSTED} and {@link #retryAfter}.
     *
     * @param limiter the limiter, of this server only; default none
     * @return this builder
     */
    public Builder limiter(ConcurrencyLimiter limiter) {
      this.limiter = Objects.requireNonNull(limiter, "limiter");
      return this;
    }

    /**
     * Sets the bound of calls in flight, streams included.
     *
     * @param maxInFlight 1 to 100,000; default {@value GrpcServer#DEFAULT_MAX_IN_FLIGHT}
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder maxInFlight(int maxInFlight) {
      this.maxInFlight = Checks.inRange("maxInFlight", maxInFlight, 1, 100_000);
      return this;
    }

    /**
     * Sets the longest time of a unary call, also of one whose caller states none or a longer one.
     *
     * @param maxTimeout 10 ms to 24 h; default 60 s
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder maxTimeout(Duration maxTimeout) {
      this.maxTimeout =
          Checks.inRange("maxTimeout", maxTimeout, Duration.ofMillis(10), Duration.ofHours(24));
      return this;
    }

    /**
     * Sets the wait that refused callers are asked for.
     *
     * @param retryAfter 0 to 1 h; default 1 s
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder retryAfter(Duration retryAfter) {
      this.retryAfter =
          Checks.inRange("retryAfter", retryAfter, Duration.ZERO, Duration.ofHours(1));
      return this;
    }

    /**
     * Sets the age at which a connection ends, so that callers find new instances. gRPC adds up to
     * 10 % either way, so that connections of one time do not end together; calls in flight end
     * normally.
     *
     * @param maxConnectionAge 1 s to 24 h; default 5 min
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder maxConnectionAge(Duration maxConnectionAge) {
      this.maxConnectionAge =
          Checks.inRange(
              "maxConnectionAge", maxConnectionAge, Duration.ofSeconds(1), Duration.ofHours(24));
      return this;
    }

    /**
     * Sets the time of a drain in which the services are reported as not serving and calls are
     * still taken. It should be longer than the period of the checks that read the health.
     *
     * @param drainDelay 0 to 5 min; default 1 s
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder drainDelay(Duration drainDelay) {
      this.drainDelay =
          Checks.inRange("drainDelay", drainDelay, Duration.ZERO, Duration.ofMinutes(5));
      return this;
    }

    /**
     * Offers reflection v1, by which tools list services and messages.
     *
     * @param reflection whether; default false
     * @return this builder
     */
    public Builder reflection(boolean reflection) {
      this.reflection = reflection;
      return this;
    }

    /**
     * Builds the server, which does not listen yet.
     *
     * @return the server
     * @throws IllegalArgumentException if a method with keys is of no added service
     */
    public GrpcServer build() {
      for (String method : keyed.keySet()) {
        boolean isServed =
            services.stream()
                .flatMap(service -> service.getMethods().stream())
                .anyMatch(
                    served -> served.getMethodDescriptor().getFullMethodName().equals(method));
        Checks.check(isServed, "idempotency", method, "a method of a service of this server");
      }
      return new GrpcServer(this, resilience.runtime());
    }
  }
}
