package io.commslib.grpc;

import io.commslib.core.Failures;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Idempotency;
import io.commslib.core.idempotency.IdempotencyKeyHeader;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CircuitBreaker;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.Workers;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.call.ArrivedAttempt;
import io.commslib.testkit.call.CallHarness;
import io.commslib.testkit.call.CallReport;
import io.commslib.testkit.call.RemoteStep;
import io.commslib.testkit.call.RemoteStep.Kind;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.commslib.testkit.faults.TcpFaultProxy.Direction;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ConnectivityState;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Deadline;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A protected channel over a proxy that breaks connections, with the library's server at its end.
 */
final class ProxiedHarness implements CallHarness {

  private static final int MAX_ANSWER = 8_192;
  private static final int PART = 4_096;
  private static final int SERVER_THREADS = 4;
  private static final Context.Key<ArrivedAttempt> ARRIVAL = Context.key("arrival");

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

  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final Resilience resilience = Resilience.create(runtime);
  private final Workers threads = runtime.newWorkers("contract-server", SERVER_THREADS);
  private final GrpcServer server;
  private final TcpFaultProxy proxy;
  private final ManagedChannel channel;
  private final Object lock = new Object();
  private final Deque<RemoteStep> script = new ArrayDeque<>();
  private final List<ArrivedAttempt> arrived = new ArrayList<>();
  private RemoteStep rest = RemoteStep.echo();
  private boolean isFaulty;

  ProxiedHarness() throws IOException {
    ServerServiceDefinition.Builder service = ServerServiceDefinition.builder("contract.Calls");
    for (Idempotency idempotency : Idempotency.values()) {
      service.addMethod(method(idempotency), ServerCalls.asyncUnaryCall(this::answer));
    }
    server =
        GrpcServer.builder(
                Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                    .executor(threads),
                resilience)
            .service(ServerInterceptors.intercept(service.build(), new Recorder()))
            .drainDelay(Duration.ZERO)
            .build();
    server.start();
    proxy = TcpFaultProxy.to(new InetSocketAddress("127.0.0.1", server.port()));
    channel =
        GrpcCalls.builder(resilience, "contract")
            .keyed(method(Idempotency.KEYED))
            .protect(
                GrpcFixture.builder(proxy.port())
                    .maxInboundMessageSize(MAX_ANSWER)
                    .intercept(new Preparing()))
            .build();
  }

  private static MethodDescriptor<byte[], byte[]> method(Idempotency idempotency) {
    return MethodDescriptor.newBuilder(BYTES, BYTES)
        .setType(MethodDescriptor.MethodType.UNARY)
        .setFullMethodName("contract.Calls/" + idempotency)
        .setSafe(idempotency == Idempotency.SAFE)
        .setIdempotent(idempotency == Idempotency.SAFE || idempotency == Idempotency.IDEMPOTENT)
        .build();
  }

  /** Runs for each attempt: the line gets its fault before the attempt is sent. */
  private final class Preparing implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> called, CallOptions options, Channel next) {
      prepare();
      return next.newCall(called, options);
    }
  }

  /** Ends the fault of the attempt before, and begins that of the next one if it is of the line. */
  private void prepare() {
    boolean wasFaulty;
    RemoteStep next;
    synchronized (lock) {
      next = script.isEmpty() ? rest : script.peek();
      if (next.kind() == Kind.REFUSE || next.kind() == Kind.LOSE) {
        script.poll();
      }
      wasFaulty = isFaulty;
      isFaulty = next.kind() == Kind.REFUSE || next.kind() == Kind.LOSE;
    }
    if (wasFaulty) {
      cutAndHeal();
    }
    if (next.kind() == Kind.REFUSE) {
      // In this order: the channel connects again as soon as it is cut.
      proxy.refuse();
      proxy.cut();
      awaitState(false);
    } else if (next.kind() == Kind.LOSE) {
      awaitState(true);
      proxy.blackHole(Direction.TO_SERVER);
    }
  }

  private void cutAndHeal() {
    proxy.cut();
    awaitState(false);
    proxy.heal();
    awaitState(true);
  }

  /** The channel learns of the state of its line a moment later. */
  private void awaitState(boolean ready) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    boolean wasInterrupted = false;
    ConnectivityState state = channel.getState(ready);
    while ((state == ConnectivityState.READY) != ready && System.nanoTime() < end) {
      if (ready) {
        channel.resetConnectBackoff();
      }
      CountDownLatch changed = new CountDownLatch(1);
      channel.notifyWhenStateChanged(state, changed::countDown);
      try {
        changed.await(20, TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        wasInterrupted = true;
      }
      state = channel.getState(ready);
    }
    if (wasInterrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private final class Recorder implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      Deadline deadline = Context.current().getDeadline();
      String previous = headers.get(GrpcHeaders.PREVIOUS_ATTEMPTS);
      ArrivedAttempt head =
          new ArrivedAttempt(
              previous == null ? 1 : Integer.parseInt(previous) + 1,
              Optional.ofNullable(deadline)
                  .map(end -> Duration.ofNanos(end.timeRemaining(TimeUnit.NANOSECONDS))),
              Optional.ofNullable(headers.get(GrpcHeaders.IDEMPOTENCY_KEY))
                  .map(field -> IdempotencyKeyHeader.parse(field).key()),
              Optional.ofNullable(headers.get(GrpcHeaders.TRACEPARENT)),
              "");
      return Contexts.interceptCall(
          Context.current().withValue(ARRIVAL, head), call, headers, next);
    }
  }

  private void answer(byte[] body, StreamObserver<byte[]> to) {
    ArrivedAttempt head = ARRIVAL.get();
    RemoteStep step;
    synchronized (lock) {
      RemoteStep next = script.poll();
      step = next == null ? rest : next;
      arrived.add(
          new ArrivedAttempt(
              head.attempt(), head.remaining(), head.key(), head.traceparent(), text(body)));
    }
    if (step.kind() != Kind.ANSWER) {
      // First of all: the action may end the attempt.
      breakLine(step.kind());
    }
    step.arrived();
    if (step.kind() != Kind.ANSWER) {
      RemoteStock.answer(to, bytes("x".repeat(MAX_ANSWER)));
    } else if (step.status() == CallStatus.OK) {
      RemoteStock.answer(to, step.body().map(ProxiedHarness::bytes).orElse(body));
    } else {
      to.onError(failure(step));
    }
  }

  private void breakLine(Kind kind) {
    synchronized (lock) {
      isFaulty = true;
    }
    switch (kind) {
      case RESET -> proxy.cut();
      case SILENCE -> proxy.blackHole(Direction.TO_CLIENT);
      case CUT -> proxy.cutAfter(Direction.TO_CLIENT, PART);
      default -> proxy.blackHoleAfter(Direction.TO_CLIENT, PART);
    }
  }

  private static StatusRuntimeException failure(RemoteStep step) {
    GrpcProblem.Builder details = GrpcProblem.builder(step.status()).retryable(step.isRetryable());
    step.advice().ifPresent(details::retryAfter);
    GrpcProblem problem = details.build();
    Metadata trailers = problem.trailers();
    if (step.hasMalformedDetails()) {
      trailers = new Metadata();
      trailers.put(GrpcHeaders.STATUS_DETAILS, new byte[] {-1, -1, 7});
    }
    if (step.rawAdvice().isPresent()) {
      trailers.discardAll(GrpcHeaders.PUSHBACK);
      trailers.put(GrpcHeaders.PUSHBACK, counterpart(step.rawAdvice().get()));
    }
    return Status.fromCodeValue(step.status().code()).asRuntimeException(trailers);
  }

  /** A wait has no date in gRPC: that of the past is a wait of nothing. */
  private static String counterpart(String text) {
    return text.endsWith("1970 00:00:00 GMT") ? "0" : text;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  @Override
  public CommsRuntime runtime() {
    return runtime;
  }

  @Override
  public void policy(CallPolicy policy) {
    resilience.guard("contract").replacePolicy(policy);
  }

  @Override
  public void script(RemoteStep... steps) {
    synchronized (lock) {
      script.clear();
      script.addAll(List.of(steps));
      rest = RemoteStep.echo();
    }
  }

  @Override
  public void always(RemoteStep step) {
    synchronized (lock) {
      script.clear();
      rest = step;
    }
  }

  @Override
  public CallReport call(Idempotency idempotency, @Nullable String key, String body) {
    CallOptions options =
        key == null
            ? CallOptions.DEFAULT
            : CallOptions.DEFAULT.withOption(GrpcCalls.IDEMPOTENCY_KEY, key);
    try {
      byte[] answer =
          ClientCalls.blockingUnaryCall(channel, method(idempotency), options, bytes(body));
      return CallReport.answered(CallOutcome.answered(CallStatus.OK), text(answer));
    } catch (StatusRuntimeException e) {
      return Failures.find(e, CallException.class)
          .map(CallReport::failed)
          .orElseGet(() -> CallReport.answered(GrpcCalls.outcome(e), ""));
    }
  }

  @Override
  public List<ArrivedAttempt> arrived() {
    synchronized (lock) {
      return List.copyOf(arrived);
    }
  }

  @Override
  public int inFlight() {
    return resilience.guard("contract").inFlight();
  }

  @Override
  public CircuitBreaker.State breaker() {
    return resilience.guard("contract").breakerState();
  }

  @Override
  public int connections() {
    return proxy.accepted();
  }

  @Override
  public int maxAnswerBytes() {
    return MAX_ANSWER;
  }

  @Override
  public Duration shortTime() {
    return Duration.ofMillis(150);
  }

  @Override
  public void close() {
    channel.shutdownNow();
    proxy.close();
    server.close();
    threads.close();
    resilience.close();
    runtime.close();
  }
}
