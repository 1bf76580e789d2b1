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
import io.commslib.testkit.call.RemoteScript;
import io.commslib.testkit.call.RemoteStep;
import io.commslib.testkit.call.RemoteStep.Kind;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ConnectivityState;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Deadline;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerBuilder;
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
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A protected channel with the library's server at its end, and faults between them. */
abstract class GrpcHarness implements CallHarness {

  static final int MAX_ANSWER = 8_192;
  private static final int SERVER_THREADS = 4;
  private static final Context.Key<ArrivedAttempt> ARRIVAL = Context.key("arrival");

  static final MethodDescriptor.Marshaller<byte[]> BYTES =
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

  /** Its requests reach the server and no handler. */
  private static final MethodDescriptor<byte[], byte[]> LOST =
      MethodDescriptor.newBuilder(BYTES, BYTES)
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("contract.Calls/LOST")
          .build();

  static String lost() {
    return LOST.getFullMethodName();
  }

  final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final Resilience resilience = Resilience.create(runtime);
  private final Workers threads = runtime.newWorkers("contract-server", SERVER_THREADS);
  private final RemoteScript script = new RemoteScript();
  private final GrpcSabotage sabotage;
  private ManagedChannel channel;

  GrpcHarness(GrpcSabotage sabotage) {
    this.sabotage = sabotage;
    sabotage.of(this);
  }

  /** Starts a server, on a free port if it is 0. */
  final GrpcServer listen(ServerBuilder<?> transport) {
    ServerServiceDefinition.Builder service = ServerServiceDefinition.builder("contract.Calls");
    for (Idempotency idempotency : Idempotency.values()) {
      service.addMethod(method(idempotency), ServerCalls.asyncUnaryCall(this::answer));
      service.addMethod(
          inParts(method(idempotency)), ServerCalls.asyncServerStreamingCall(this::answer));
    }
    service.addMethod(LOST, ServerCalls.asyncUnaryCall((request, to) -> {}));
    GrpcServer server =
        GrpcServer.builder(transport.executor(threads), resilience)
            .service(ServerInterceptors.intercept(service.build(), new Recorder()))
            .drainDelay(Duration.ZERO)
            .build();
    server.start();
    return server;
  }

  final void connect(int port) {
    channel =
        GrpcCalls.builder(resilience, "contract")
            .keyed(method(Idempotency.KEYED))
            .protect(
                GrpcFixture.builder(port)
                    .maxInboundMessageSize(MAX_ANSWER)
                    .intercept(new Preparing())
                    .intercept(sabotage.attempts()))
            .intercept(sabotage.calls())
            .build();
  }

  /** The line gets its fault before an attempt is sent; returns the method that it calls. */
  abstract <Q, A> MethodDescriptor<Q, A> prepare(MethodDescriptor<Q, A> called, RemoteStep next);

  /** The fault of an attempt that has arrived, before anything is answered. */
  abstract void breaks(Kind kind, StreamObserver<byte[]> to);

  /** What is answered after that, and does not arrive whole. */
  abstract void answersBroken(Kind kind, StreamObserver<byte[]> to);

  /** The same method on the wire, whose messages are sent one by one. */
  static <Q, A> MethodDescriptor<Q, A> inParts(MethodDescriptor<Q, A> method) {
    return method.toBuilder()
        .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
        .setFullMethodName(method.getFullMethodName() + "-parts")
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

  private final class Preparing implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> called, CallOptions options, Channel next) {
      return next.newCall(prepare(called, script.begins()), options);
    }
  }

  /** The channel learns of the state of its line a moment later. */
  final void awaitState(boolean ready) {
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
    RemoteStep step =
        script.arrives(
            new ArrivedAttempt(
                head.attempt(), head.remaining(), head.key(), head.traceparent(), text(body)));
    if (step.kind() != Kind.ANSWER) {
      // First of all: the action may end the attempt.
      breaks(step.kind(), to);
    }
    step.arrived();
    if (step.kind() != Kind.ANSWER) {
      answersBroken(step.kind(), to);
      return;
    }
    if (step.status() == CallStatus.OK) {
      RemoteStock.answer(to, step.body().map(GrpcHarness::bytes).orElse(body));
    } else {
      to.onError(failure(step));
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
    resilience.guard("contract").replacePolicy(sabotage.policy(policy));
  }

  @Override
  public void script(RemoteStep... steps) {
    script.script(steps);
  }

  @Override
  public void always(RemoteStep step) {
    script.always(step);
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
    return script.arrived();
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
  public int maxAnswerBytes() {
    return MAX_ANSWER;
  }

  @Override
  public Duration shortTime() {
    return Duration.ofMillis(150);
  }

  @Override
  public Duration slack() {
    return sabotage.slack();
  }

  final void pause(Duration time) {
    try {
      runtime.pause(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Starts a thread that stays. */
  final void lingers() {
    runtime.newThread("saboteur-call", sabotage::linger).start();
  }

  final ManagedChannel channel() {
    return channel;
  }

  /** Ends the server and what is before it. */
  abstract void closeLine();

  @Override
  public final void close() {
    sabotage.close();
    channel.shutdownNow();
    closeLine();
    threads.close();
    resilience.close();
    runtime.close();
  }
}
