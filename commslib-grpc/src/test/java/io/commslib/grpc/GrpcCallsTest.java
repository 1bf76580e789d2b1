package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.ByteString;
import io.commslib.core.CommsException;
import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Refusal;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.CircuitBreaker;
import io.commslib.core.resilience.HedgingConfig;
import io.commslib.grpc.proto.Level;
import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.ReserveRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.Await;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Calls of all kinds of stubs through protected channels, on real servers. */
class GrpcCallsTest {

  private static final LevelRequest APPLE = LevelRequest.newBuilder().setItem("apple").build();

  private final GrpcFixture fixture = new GrpcFixture();

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  private static StatusRuntimeException failure(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable of) {
    return catchThrowableOfType(StatusRuntimeException.class, of);
  }

  private static CallException cause(StatusRuntimeException failure) {
    assertThat(failure).hasCauseInstanceOf(CallException.class);
    return (CallException) failure.getCause();
  }

  private static void failFirst(RemoteStock remote, int failures) {
    remote.levelOf =
        (arrival, request, to) -> {
          if (arrival.number() <= failures) {
            RemoteStock.fail(to, Status.Code.UNAVAILABLE);
          } else {
            RemoteStock.answer(to, Level.newBuilder().setCount(arrival.number()).build());
          }
        };
  }

  @Test
  void eachKindOfStubIsRepeated() throws Exception {
    RemoteStock remote = fixture.remote();
    ManagedChannel channel = fixture.channel(remote.port());
    failFirst(remote, 2);
    assertThat(StockGrpc.newBlockingStub(channel).levelOf(APPLE).getCount()).isEqualTo(3);

    remote.arrivals.clear();
    ListenableFuture<Level> future = StockGrpc.newFutureStub(channel).levelOf(APPLE);
    assertThat(future.get(10, TimeUnit.SECONDS).getCount()).isEqualTo(3);

    remote.arrivals.clear();
    assertThat(levelOf(StockGrpc.newStub(channel)).get(10, TimeUnit.SECONDS).getCount())
        .isEqualTo(3);

    remote.arrivals.clear();
    assertThat(StockGrpc.newBlockingV2Stub(channel).levelOf(APPLE).getCount()).isEqualTo(3);
  }

  private static CompletableFuture<Level> levelOf(StockGrpc.StockStub stub) {
    CompletableFuture<Level> answer = new CompletableFuture<>();
    stub.levelOf(
        APPLE,
        new StreamObserver<>() {
          private Level level = Level.getDefaultInstance();

          @Override
          public void onNext(Level value) {
            level = value;
          }

          @Override
          public void onError(Throwable failure) {
            answer.completeExceptionally(failure);
          }

          @Override
          public void onCompleted() {
            answer.complete(level);
          }
        });
    return answer;
  }

  @Test
  void anInterceptorProtectsAChannelThatExists() throws Exception {
    RemoteStock remote = fixture.remote();
    failFirst(remote, 1);
    Channel channel =
        ClientInterceptors.intercept(
            fixture.built(GrpcFixture.builder(remote.port())),
            GrpcCalls.interceptor(fixture.resilience, "stock"));
    assertThat(StockGrpc.newBlockingStub(channel).levelOf(APPLE).getCount()).isEqualTo(2);
    assertThat(remote.arrivals.get(0).millisLeft()).isBetween(1L, 5_000L);
  }

  @Test
  void onlyDeclaredMethodsAreRepeated() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.reserve = (arrival, request, to) -> RemoteStock.fail(to, Status.Code.UNAVAILABLE);
    remote.setLevel = (arrival, request, to) -> RemoteStock.fail(to, Status.Code.UNAVAILABLE);
    StockGrpc.StockBlockingStub stock = StockGrpc.newBlockingStub(fixture.channel(remote.port()));
    assertThat(failure(() -> stock.reserve(ReserveRequest.getDefaultInstance())).getStatus())
        .extracting(Status::getCode)
        .isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(remote.arrivals).hasSize(1);
    assertThat(failure(() -> stock.setLevel(Level.getDefaultInstance()))).isNotNull();
    assertThat(remote.arrivals).hasSize(4);
  }

  @Test
  void whatWasNotSentIsRepeatedForAllMethods() throws Exception {
    StockGrpc.StockBlockingStub stock = StockGrpc.newBlockingStub(fixture.channel(1));
    StatusRuntimeException failure =
        failure(() -> stock.reserve(ReserveRequest.getDefaultInstance()));
    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(failure.getStatus().getDescription()).startsWith("COMMS-CALL-001: ");
    assertThat(cause(failure).attempts()).isEqualTo(3);
    assertThat(cause(failure).outcome().certainty()).isEqualTo(SendCertainty.NOT_SENT);
  }

  @Test
  void theKeyIsTheSameOnEveryAttempt() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.reserve =
        (arrival, request, to) -> {
          if (arrival.number() < 3) {
            RemoteStock.fail(to, Status.Code.UNAVAILABLE);
          } else {
            RemoteStock.answer(to, io.commslib.grpc.proto.Reservation.getDefaultInstance());
          }
        };
    StockGrpc.StockBlockingStub stock =
        StockGrpc.newBlockingStub(
            fixture.channel(
                remote.port(), settings -> settings.keyed(StockGrpc.getReserveMethod())));
    stock.reserve(ReserveRequest.getDefaultInstance());
    assertThat(remote.arrivals.stream().map(each -> each.header(GrpcHeaders.IDEMPOTENCY_KEY)))
        .hasSize(3)
        .allMatch(key -> key.matches("\"[0-9a-f-]{36}\""))
        .satisfies(keys -> assertThat(keys.stream().distinct()).hasSize(1));
    assertThat(remote.arrivals.stream().map(each -> each.header(GrpcHeaders.PREVIOUS_ATTEMPTS)))
        .containsExactly("", "1", "2");

    stock
        .withOption(GrpcCalls.IDEMPOTENCY_KEY, "order-17")
        .reserve(ReserveRequest.getDefaultInstance());
    assertThat(remote.arrivals.get(3).header(GrpcHeaders.IDEMPOTENCY_KEY))
        .isEqualTo("\"order-17\"");
  }

  @Test
  void theTraceTravels() throws Exception {
    RemoteStock remote = fixture.remote();
    StockGrpc.StockBlockingStub stock = StockGrpc.newBlockingStub(fixture.channel(remote.port()));
    String trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    CallContext.current()
        .withTrace(trace, "vendor=1")
        .withBaggage("tenant", "a,b=c\u00e9")
        .<Level, RuntimeException>call(() -> stock.levelOf(APPLE));
    RemoteStock.Arrival arrival = remote.arrivals.get(0);
    assertThat(arrival.header(GrpcHeaders.TRACEPARENT)).isEqualTo(trace);
    assertThat(arrival.header(GrpcHeaders.TRACESTATE)).isEqualTo("vendor=1");
    assertThat(arrival.header(GrpcHeaders.BAGGAGE)).isEqualTo("tenant=a%2Cb%3Dc%C3%A9");
  }

  @Test
  void attemptsDoNotMultiplyIfACallIsProtectedTwice() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.levelOf = (arrival, request, to) -> RemoteStock.fail(to, Status.Code.UNAVAILABLE);
    Channel twice =
        ClientInterceptors.intercept(
            fixture.channel(remote.port()), GrpcCalls.interceptor(fixture.resilience, "outer"));
    assertThat(failure(() -> StockGrpc.newBlockingStub(twice).levelOf(APPLE))).isNotNull();
    assertThat(remote.arrivals).hasSize(3);
  }

  @Test
  void moreBaggageThanFitsIsLeftOut() throws Exception {
    RemoteStock remote = fixture.remote();
    StockGrpc.StockBlockingStub stock = StockGrpc.newBlockingStub(fixture.channel(remote.port()));
    CallContext full = CallContext.current();
    for (int i = 0; i < CallContext.MAX_BAGGAGE_ENTRIES; i++) {
      full = full.withBaggage("entry-" + i, "\u00e9".repeat(40));
    }
    full.<Level, RuntimeException>call(() -> stock.levelOf(APPLE));
    assertThat(remote.arrivals).hasSize(1);
    assertThat(remote.arrivals.get(0).header(GrpcHeaders.BAGGAGE))
        .hasSizeBetween(BaggageText.MAX_CHARS / 2, BaggageText.MAX_CHARS)
        .startsWith("entry-");
  }

  @Test
  void theKeyOfTheCallReplacesAnotherOne() throws Exception {
    RemoteStock remote = fixture.remote();
    Metadata own = new Metadata();
    own.put(GrpcHeaders.IDEMPOTENCY_KEY, "\"other\"");
    StockGrpc.newBlockingStub(fixture.channel(remote.port()))
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(own))
        .withOption(GrpcCalls.IDEMPOTENCY_KEY, "order-17")
        .reserve(ReserveRequest.getDefaultInstance());
    assertThat(remote.arrivals.get(0).header(GrpcHeaders.IDEMPOTENCY_KEY))
        .isEqualTo("\"order-17\"");
  }

  @Test
  void theAttemptTimeoutIsReal() throws Exception {
    RemoteStock remote = fixture.remote();
    fixture
        .resilience
        .guard("stock")
        .replacePolicy(GrpcFixture.policy(Duration.ofMillis(200)).build());
    CountDownLatch over = new CountDownLatch(1);
    remote.levelOf =
        (arrival, request, to) -> {
          if (arrival.number() == 1) {
            over.await(10, TimeUnit.SECONDS);
          } else {
            RemoteStock.answer(to, Level.newBuilder().setCount(arrival.number()).build());
          }
        };
    try {
      assertThat(
              StockGrpc.newBlockingStub(fixture.channel(remote.port())).levelOf(APPLE).getCount())
          .isEqualTo(2);
      assertThat(remote.arrivals.get(0).millisLeft()).isBetween(0L, 200L);
    } finally {
      over.countDown();
    }
  }

  @Test
  void anExpiredContextStartsNoAttempt() throws Exception {
    RemoteStock remote = fixture.remote();
    StockGrpc.StockBlockingStub stock = StockGrpc.newBlockingStub(fixture.channel(remote.port()));
    StatusRuntimeException failure =
        failure(() -> CallContext.within(Duration.ZERO, () -> stock.levelOf(APPLE)));
    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(failure.getStatus().getDescription()).startsWith("COMMS-CALL-002: ");
    assertThat(cause(failure).refusal()).hasValue(Refusal.DEADLINE);

    ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
    Context.CancellableContext expired =
        Context.current().withDeadlineAfter(-1, TimeUnit.SECONDS, timer);
    assertThat(failure(() -> expired.call(() -> stock.levelOf(APPLE))).getStatus().getCode())
        .isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    expired.cancel(null);
    timer.shutdownNow();
    assertThat(failure(() -> stock.withDeadlineAfter(-1, TimeUnit.SECONDS).levelOf(APPLE)))
        .extracting(e -> e.getStatus().getCode())
        .isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(remote.arrivals).isEmpty();
  }

  @Test
  void aStreamIsRepeatedUpToItsFirstMessage() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.watch =
        (arrival, request, to) -> {
          if (arrival.number() == 1) {
            RemoteStock.fail(to, Status.Code.UNAVAILABLE);
          } else {
            for (int i = 1; i <= 3; i++) {
              to.onNext(Level.newBuilder().setCount(i).build());
            }
            to.onCompleted();
          }
        };
    assertThat(counts(StockGrpc.newBlockingStub(fixture.channel(remote.port())).watch(APPLE)))
        .containsExactly(1L, 2L, 3L);
    assertThat(remote.arrivals).hasSize(2);
  }

  private static List<Long> counts(Iterator<Level> levels) {
    List<Long> counts = new ArrayList<>();
    levels.forEachRemaining(level -> counts.add(level.getCount()));
    return counts;
  }

  @Test
  void aStreamIsNotRetriedAfterItsFirstMessage() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.watch =
        (arrival, request, to) -> {
          to.onNext(Level.newBuilder().setCount(1).build());
          RemoteStock.fail(to, Status.Code.UNAVAILABLE);
        };
    Iterator<Level> levels = StockGrpc.newBlockingStub(fixture.channel(remote.port())).watch(APPLE);
    assertThat(levels.next().getCount()).isEqualTo(1);
    StatusRuntimeException failure = failure(levels::hasNext);
    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(failure.getStatus().getDescription()).isEqualTo("scripted");
    assertThat(remote.arrivals).hasSize(1);
  }

  @Test
  void aRequestStreamIsNeverRetried() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.upload =
        to -> {
          RemoteStock.fail(to, Status.Code.UNAVAILABLE);
          return new Ignoring();
        };
    CompletableFuture<Level> answer = new CompletableFuture<>();
    StreamObserver<Level> requests =
        StockGrpc.newStub(fixture.channel(remote.port())).upload(completing(answer));
    requests.onNext(Level.getDefaultInstance());
    requests.onCompleted();
    assertThat(answer)
        .failsWithin(Duration.ofSeconds(10))
        .withThrowableThat()
        .havingCause()
        .withMessageContaining("UNAVAILABLE");
    assertThat(remote.arrivals).hasSize(1);

    remote.talk =
        to -> {
          RemoteStock.fail(to, Status.Code.UNAVAILABLE);
          return new Ignoring();
        };
    CompletableFuture<Level> talk = new CompletableFuture<>();
    StockGrpc.newStub(fixture.channel(remote.port())).talk(completing(talk));
    assertThat(talk).failsWithin(Duration.ofSeconds(10));
    assertThat(remote.arrivals).hasSize(2);
  }

  @Test
  void requestStreamsPassThrough() throws Exception {
    RemoteStock remote = fixture.remote();
    StockGrpc.StockStub stock = StockGrpc.newStub(fixture.channel(remote.port()));
    CompletableFuture<Level> answer = new CompletableFuture<>();
    StreamObserver<Level> requests = stock.upload(completing(answer));
    for (int i = 0; i < 100; i++) {
      requests.onNext(Level.getDefaultInstance());
    }
    requests.onCompleted();
    assertThat(answer.get(10, TimeUnit.SECONDS).getCount()).isEqualTo(100);

    CompletableFuture<Level> echo = new CompletableFuture<>();
    StreamObserver<Level> talk = stock.talk(completing(echo));
    for (int i = 1; i <= 100; i++) {
      talk.onNext(Level.newBuilder().setCount(i).build());
    }
    talk.onCompleted();
    assertThat(echo.get(10, TimeUnit.SECONDS).getCount()).isEqualTo(100);
  }

  private static StreamObserver<Level> completing(CompletableFuture<Level> last) {
    return new StreamObserver<>() {
      private Level level = Level.getDefaultInstance();

      @Override
      public void onNext(Level value) {
        level = value;
      }

      @Override
      public void onError(Throwable failure) {
        last.completeExceptionally(failure);
      }

      @Override
      public void onCompleted() {
        last.complete(level);
      }
    };
  }

  private static final class Ignoring implements StreamObserver<Level> {
    @Override
    public void onNext(Level value) {}

    @Override
    public void onError(Throwable failure) {}

    @Override
    public void onCompleted() {}
  }

  @Test
  void pushbackIsHonoured() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.levelOf =
        (arrival, request, to) -> {
          if (arrival.number() == 1) {
            to.onError(
                GrpcProblem.builder(CallStatus.RESOURCE_EXHAUSTED)
                    .retryAfter(Duration.ofMillis(300))
                    .build()
                    .asException());
          } else {
            RemoteStock.answer(to, Level.getDefaultInstance());
          }
        };
    StockGrpc.StockBlockingStub stock = StockGrpc.newBlockingStub(fixture.channel(remote.port()));
    long begin = System.nanoTime();
    stock.levelOf(APPLE);
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThan(Duration.ofMillis(300));
    assertThat(remote.arrivals).hasSize(2);

    remote.arrivals.clear();
    remote.levelOf =
        (arrival, request, to) ->
            to.onError(
                GrpcProblem.builder(CallStatus.UNAVAILABLE)
                    .retryable(false)
                    .code("TEST-1")
                    .build()
                    .asException());
    StatusRuntimeException failure = failure(() -> stock.levelOf(APPLE));
    assertThat(GrpcProblem.of(failure).orElseThrow().code()).hasValue("TEST-1");
    assertThat(remote.arrivals).hasSize(1);

    // Of a server without the library, by the trailer of gRPC alone.
    remote.arrivals.clear();
    remote.levelOf =
        (arrival, request, to) -> {
          if (arrival.number() == 1) {
            to.onError(pushed("300"));
          } else {
            RemoteStock.answer(to, Level.getDefaultInstance());
          }
        };
    begin = System.nanoTime();
    stock.levelOf(APPLE);
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThan(Duration.ofMillis(300));
    assertThat(remote.arrivals).hasSize(2);
    remote.arrivals.clear();
    remote.levelOf = (arrival, request, to) -> to.onError(pushed("-1"));
    failure(() -> stock.levelOf(APPLE));
    assertThat(remote.arrivals).hasSize(1);
  }

  private static StatusRuntimeException pushed(String millis) {
    Metadata trailers = new Metadata();
    trailers.put(GrpcHeaders.PUSHBACK, millis);
    return Status.UNAVAILABLE.asRuntimeException(trailers);
  }

  @Test
  void anOpenBreakerRefusesAtOnce() throws Exception {
    RemoteStock remote = fixture.remote();
    StockGrpc.StockBlockingStub stock = StockGrpc.newBlockingStub(fixture.channel(remote.port()));
    fixture.resilience.guard("stock").forceBreakerOpen();
    StatusRuntimeException failure = failure(() -> stock.levelOf(APPLE));
    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(failure.getStatus().getDescription()).startsWith("COMMS-CALL-003: ");
    assertThat(cause(failure).refusal()).hasValue(Refusal.BREAKER);
    assertThat(remote.arrivals).isEmpty();
  }

  @Test
  void failuresOpenTheBreakerAndNotFoundDoesNot() throws Exception {
    RemoteStock remote = fixture.remote();
    StockGrpc.StockBlockingStub stock = StockGrpc.newBlockingStub(fixture.channel(remote.port()));
    remote.levelOf = (arrival, request, to) -> RemoteStock.fail(to, Status.Code.NOT_FOUND);
    for (int i = 0; i < 30; i++) {
      assertThat(failure(() -> stock.levelOf(APPLE)).getStatus().getCode())
          .isEqualTo(Status.Code.NOT_FOUND);
    }
    assertThat(remote.arrivals).hasSize(30);
    assertThat(fixture.resilience.guard("stock").breakerState())
        .isEqualTo(CircuitBreaker.State.CLOSED);
    remote.levelOf = (arrival, request, to) -> RemoteStock.fail(to, Status.Code.UNAVAILABLE);
    for (int i = 0; i < 40; i++) {
      failure(() -> stock.levelOf(APPLE));
    }
    assertThat(fixture.resilience.guard("stock").breakerState())
        .isEqualTo(CircuitBreaker.State.OPEN);
  }

  @Test
  void theLastRealStatusIsReported() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.levelOf =
        (arrival, request, to) -> {
          if (arrival.number() == 1) {
            fixture.resilience.guard("stock").forceBreakerOpen();
            to.onError(
                GrpcProblem.builder(CallStatus.UNAVAILABLE)
                    .code("TEST-2")
                    .detail("maintenance")
                    .build()
                    .asException());
          }
        };
    StatusRuntimeException failure =
        failure(() -> StockGrpc.newBlockingStub(fixture.channel(remote.port())).levelOf(APPLE));
    assertThat(failure.getStatus().getDescription())
        .startsWith("COMMS-CALL-003: ")
        .endsWith("TEST-2: maintenance");
    assertThat(GrpcProblem.of(failure).orElseThrow().code()).hasValue("TEST-2");
    assertThat(cause(failure).refusal()).hasValue(Refusal.BREAKER);
  }

  @Test
  void hedgesAnswerFirst() throws Exception {
    RemoteStock remote = fixture.remote();
    fixture
        .resilience
        .guard("stock")
        .replacePolicy(
            GrpcFixture.policy(Duration.ofSeconds(5))
                .hedging(HedgingConfig.of(Duration.ofMillis(50)))
                .build());
    CountDownLatch cancelled = new CountDownLatch(1);
    remote.levelOf =
        (arrival, request, to) -> {
          if (arrival.number() == 1) {
            Context.current().addListener(context -> cancelled.countDown(), Runnable::run);
          } else {
            RemoteStock.answer(to, Level.newBuilder().setCount(arrival.number()).build());
          }
        };
    assertThat(StockGrpc.newBlockingStub(fixture.channel(remote.port())).levelOf(APPLE).getCount())
        .isEqualTo(2);
    assertThat(cancelled.await(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void anAnswerThatCantBeReadIsNotAskedForAgain() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.levelOf =
        (arrival, request, to) ->
            RemoteStock.answer(to, Level.newBuilder().setItem("x".repeat(20_000)).build());
    ManagedChannel channel =
        fixture.built(
            GrpcCalls.protect(GrpcFixture.builder(remote.port()), fixture.resilience, "stock")
                .maxInboundMessageSize(10_000));
    StatusRuntimeException failure =
        failure(() -> StockGrpc.newBlockingStub(channel).levelOf(APPLE));
    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(failure.getStatus().getDescription())
        .startsWith(
            "COMMS-GRPC-003: answer: can't be read (expected: a message of the method,"
                + " within the channel's maxInboundMessageSize)");
    assertThat(GrpcCalls.outcome(failure).isRetryable()).isFalse();
    assertThat(remote.arrivals).hasSize(1);

    // The same bytes are no message of another type.
    MethodDescriptor<LevelRequest, ReserveRequest> wrong =
        StockGrpc.getLevelOfMethod().toBuilder(
                StockGrpc.getLevelOfMethod().getRequestMarshaller(),
                ProtoUtils.marshaller(ReserveRequest.getDefaultInstance()))
            .build();
    remote.levelOf =
        (arrival, request, to) ->
            RemoteStock.answer(
                to,
                Level.newBuilder()
                    .setItemBytes(ByteString.copyFrom(new byte[] {1}))
                    .setPadding(ByteString.copyFrom(new byte[] {-1, -1}))
                    .build());
    remote.arrivals.clear();
    failure =
        failure(() -> ClientCalls.blockingUnaryCall(channel, wrong, CallOptions.DEFAULT, APPLE));
    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.INTERNAL);
    assertThat(failure.getStatus().getDescription()).startsWith("COMMS-GRPC-003: ");
    assertThat(remote.arrivals).hasSize(1);
  }

  @Test
  void aCallIsSeenOnceAndEachAttempt() throws Exception {
    RemoteStock remote = fixture.remote();
    failFirst(remote, 2);
    List<String> seen = new CopyOnWriteArrayList<>();
    CommsObserver observer =
        new CommsObserver() {
          @Override
          public void onCall(
              CallTarget target, CallOutcome outcome, int attempts, Duration elapsed) {
            seen.add("call " + target + " " + outcome.status() + " " + attempts);
          }

          @Override
          public void onAttempt(
              CallTarget target,
              CallOutcome outcome,
              int attempt,
              Duration elapsed,
              Optional<Refusal> refusal) {
            seen.add("attempt " + attempt + " " + outcome);
          }
        };
    try (Resilience observed =
        Resilience.builder(fixture.runtime)
            .observer(observer)
            .defaults(GrpcFixture.policy(Duration.ofSeconds(5)).build())
            .build()) {
      ManagedChannel channel =
          fixture.built(GrpcCalls.protect(GrpcFixture.builder(remote.port()), observed, "stock"));
      StockGrpc.newBlockingStub(channel).levelOf(APPLE);
      Await.until("all events", () -> seen.size() == 4);
    }
    assertThat(seen)
        .containsExactly(
            "attempt 1 UNAVAILABLE ANSWERED",
            "attempt 2 UNAVAILABLE ANSWERED",
            "attempt 3 OK ANSWERED",
            "call stock commslib.test.v1.Stock/LevelOf OK 3");
  }

  @Test
  void aSlowReaderBuffersNothing() throws Exception {
    RemoteStock remote = fixture.remote();
    AtomicLong sent = new AtomicLong();
    Level large = Level.newBuilder().setPadding(ByteString.copyFrom(new byte[64 * 1024])).build();
    remote.watch =
        (arrival, request, to) -> {
          ServerCallStreamObserver<Level> call = (ServerCallStreamObserver<Level>) to;
          Runnable more =
              () -> {
                while (call.isReady() && sent.get() < 1_000) {
                  sent.incrementAndGet();
                  call.onNext(large);
                }
                if (sent.get() == 1_000) {
                  sent.incrementAndGet();
                  call.onCompleted();
                }
              };
          call.setOnReadyHandler(more);
          more.run();
        };
    ManagedChannel channel = fixture.channel(remote.port());
    Iterator<Level> levels = StockGrpc.newBlockingStub(channel).watch(APPLE);
    assertThat(levels.next()).isNotNull();
    // The windows of the connection fill up, and then nothing more is sent.
    Await.stays("the sender waits", Duration.ofMillis(300), () -> sent.get() < 100);
    int[] read = {1};
    levels.forEachRemaining(level -> read[0]++);
    assertThat(read[0]).isEqualTo(1_000);

    // The server's half: a caller that sends faster than its handler reads has to wait.
    CompletableFuture<ServerCallStreamObserver<Level>> reader = new CompletableFuture<>();
    RemoteStock slow = new RemoteStock();
    slow.upload =
        to -> {
          ServerCallStreamObserver<Level> call = (ServerCallStreamObserver<Level>) to;
          call.disableAutoRequest();
          reader.complete(call);
          return new Ignoring();
        };
    GrpcServer server = fixture.server(slow, settings -> settings);
    AtomicLong uploaded = new AtomicLong();
    StockGrpc.newStub(fixture.channel(server.port()))
        .upload(
            new ClientResponseObserver<Level, Level>() {
              @Override
              public void beforeStart(ClientCallStreamObserver<Level> requests) {
                requests.setOnReadyHandler(
                    () -> {
                      while (requests.isReady() && uploaded.get() < 1_000) {
                        uploaded.incrementAndGet();
                        requests.onNext(large);
                      }
                    });
              }

              @Override
              public void onNext(Level value) {}

              @Override
              public void onError(Throwable failure) {}

              @Override
              public void onCompleted() {}
            });
    reader.get(10, TimeUnit.SECONDS);
    Await.until("some were sent", () -> uploaded.get() > 0);
    Await.stays("the caller waits", Duration.ofMillis(300), () -> uploaded.get() < 100);
  }

  @Test
  void aCancelOfTheCallerEndsTheAttempt() throws Exception {
    RemoteStock remote = fixture.remote();
    CountDownLatch arrived = new CountDownLatch(2);
    CountDownLatch cancelled = new CountDownLatch(2);
    remote.levelOf =
        (arrival, request, to) -> {
          Context.current().addListener(context -> cancelled.countDown(), Runnable::run);
          arrived.countDown();
        };
    ManagedChannel channel = fixture.channel(remote.port());
    ListenableFuture<Level> future = StockGrpc.newFutureStub(channel).levelOf(APPLE);
    Context.CancellableContext context = Context.current().withCancellation();
    Context before = context.attach();
    ListenableFuture<Level> within = StockGrpc.newFutureStub(channel).levelOf(APPLE);
    context.detach(before);
    assertThat(arrived.await(10, TimeUnit.SECONDS)).isTrue();
    future.cancel(true);
    context.cancel(null);
    assertThat(cancelled.await(10, TimeUnit.SECONDS)).isTrue();
    Throwable failure =
        catchThrowableOfType(ExecutionException.class, () -> within.get(10, TimeUnit.SECONDS));
    assertThat(Status.fromThrowable(failure).getCode()).isEqualTo(Status.Code.CANCELLED);
    assertThat(remote.arrivals).hasSize(2);
    assertThat(fixture.resilience.guard("stock").inFlight()).isZero();
  }

  @Test
  void aForeignRetryPolicyIsRefused() throws Exception {
    Map<String, ?> config =
        Map.of(
            "methodConfig",
            List.of(
                Map.of(
                    "name",
                    List.of(Map.of()),
                    "retryPolicy",
                    Map.of(
                        "maxAttempts",
                        3.0,
                        "initialBackoff",
                        "0.01s",
                        "maxBackoff",
                        "0.1s",
                        "backoffMultiplier",
                        2.0,
                        "retryableStatusCodes",
                        List.of("UNAVAILABLE")))));
    RemoteStock remote = fixture.remote();
    AtomicInteger handled = new AtomicInteger();
    remote.levelOf =
        (arrival, request, to) -> {
          handled.incrementAndGet();
          RemoteStock.fail(to, Status.Code.UNAVAILABLE);
        };
    assertThat(
            catchThrowableOfType(
                CommsException.class,
                () ->
                    GrpcCalls.protect(
                            GrpcFixture.builder(remote.port()), fixture.resilience, "stock")
                        .defaultServiceConfig(config)))
        .hasMessageStartingWith(
            "COMMS-GRPC-001: service config: has a retryPolicy or hedgingPolicy (expected: none,");

    // Set before, or by a resolver: found with the first repetition, whose request is not sent.
    ManagedChannel channel =
        fixture.built(
            GrpcCalls.protect(
                GrpcFixture.builder(remote.port()).defaultServiceConfig(config),
                fixture.resilience,
                "stock"));
    StockGrpc.StockBlockingStub stock = StockGrpc.newBlockingStub(channel);
    for (int i = 0; i < 2; i++) {
      StatusRuntimeException failure = failure(() -> stock.levelOf(APPLE));
      assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
      assertThat(failure.getStatus().getDescription())
          .startsWith(
              "COMMS-GRPC-002: the service config of the channel has a retry or hedging policy (expected: none,");
    }
    assertThat(handled).hasValue(1);
  }
}
