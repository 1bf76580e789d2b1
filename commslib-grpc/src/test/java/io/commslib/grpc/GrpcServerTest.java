package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import io.commslib.core.CommsException;
import io.commslib.core.Health;
import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallStatus;
import io.commslib.core.call.Criticality;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.grpc.proto.Level;
import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.Reservation;
import io.commslib.grpc.proto.ReserveRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.commslib.resilience.AdaptiveLimiter;
import io.commslib.resilience.AdaptiveLimiterConfig;
import io.commslib.testkit.Await;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.ForwardingServerCallListener;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerBuilder;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The library's server, called by bare channels where nothing else is said. */
class GrpcServerTest {

  private static final LevelRequest APPLE = LevelRequest.newBuilder().setItem("apple").build();

  private final GrpcFixture fixture = new GrpcFixture();
  private final RemoteStock stock = new RemoteStock();

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  private static StatusRuntimeException failure(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable of) {
    return catchThrowableOfType(StatusRuntimeException.class, of);
  }

  private static void isProblem(
      StatusRuntimeException failure, Status.Code status, String description, boolean retryable) {
    assertThat(failure.getStatus().getCode()).isEqualTo(status);
    assertThat(failure.getStatus().getDescription()).startsWith(description);
    GrpcProblem problem = GrpcProblem.of(failure).orElseThrow();
    assertThat(problem.status().name()).isEqualTo(status.name());
    assertThat(problem.code().orElseThrow()).isEqualTo(description.substring(0, 14));
    assertThat(problem.isRetryable()).isEqualTo(retryable);
  }

  private StockGrpc.StockBlockingStub stub(GrpcServer server) {
    return StockGrpc.newBlockingStub(fixture.bare(server.port()));
  }

  @Test
  void aLongDetailOfAnyAlphabetArrives() {
    String detail = "\u0416".repeat(1_000);
    stock.levelOf =
        (arrival, request, to) ->
            to.onError(
                GrpcProblem.builder(CallStatus.UNAVAILABLE)
                    .detail(detail)
                    .retryable(false)
                    .build()
                    .asException());
    GrpcServer server = fixture.server(stock, settings -> settings);
    StatusRuntimeException failure = failure(() -> stub(server).levelOf(APPLE));
    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(failure.getStatus().getDescription()).startsWith("\u0416").endsWith("...");
    GrpcProblem problem = GrpcProblem.of(failure).orElseThrow();
    assertThat(problem.detail()).isEqualTo(detail);
    assertThat(problem.isRetryable()).isFalse();
  }

  @Test
  void aServiceIsAddedOnce() {
    GrpcServer.Builder builder =
        GrpcServer.builder(
                Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create()),
                fixture.resilience)
            .service(stock);
    assertThatThrownBy(() -> builder.service(stock.recorded()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("service: ")
        .hasMessageContaining("Stock (expected: each once)");
  }

  @Test
  void anInterceptorAroundTheServerThatThrowsKeepsNoPlace() {
    AtomicReference<String> mode = new AtomicReference<>("throws");
    GrpcServer server =
        GrpcServer.builder(
                Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                    .intercept(
                        new ServerInterceptor() {
                          @Override
                          public <Q, A> ServerCall.Listener<Q> interceptCall(
                              ServerCall<Q, A> call,
                              Metadata headers,
                              ServerCallHandler<Q, A> next) {
                            ServerCall.Listener<Q> lost = next.startCall(call, headers);
                            if (mode.get().equals("throws")) {
                              throw new IllegalStateException("after the start");
                            }
                            return lost;
                          }
                        }),
                fixture.resilience)
            .maxInFlight(2)
            .drainDelay(Duration.ZERO)
            .service(stock.recorded())
            .build();
    fixture.<AutoCloseable>add(server::close);
    server.start();
    StockGrpc.StockBlockingStub caller = stub(server);
    for (int i = 0; i < 5; i++) {
      assertThat(failure(() -> caller.levelOf(APPLE))).isNotNull();
    }
    Await.until("no place is kept", () -> server.health().details().get("inFlight").equals("0"));
    mode.set("returns");
    assertThat(caller.levelOf(APPLE)).isNotNull();
  }

  @Test
  void aHandlerHasTheContextOfItsCaller() throws Exception {
    AtomicReference<CallContext> seen = new AtomicReference<>();
    stock.levelOf =
        (arrival, request, to) -> {
          seen.set(CallContext.current());
          RemoteStock.answer(to, Level.getDefaultInstance());
        };
    GrpcServer server = fixture.server(stock, settings -> settings);
    String trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    StockGrpc.StockBlockingStub caller = StockGrpc.newBlockingStub(fixture.channel(server.port()));
    CallContext.current()
        .withTrace(trace, "vendor=1")
        .withBaggage("tenant", "a,b=c\u00e9")
        .<Level, RuntimeException>call(
            () -> CallContext.within(Duration.ofMillis(900), () -> caller.levelOf(APPLE)));
    assertThat(seen.get().traceparent()).hasValue(trace);
    assertThat(seen.get().tracestate()).hasValue("vendor=1");
    assertThat(seen.get().baggage()).containsEntry("tenant", "a,b=c\u00e9");
    assertThat(seen.get().attempt()).isEqualTo(1);
    assertThat(seen.get().deadline().orElseThrow().remaining()).isLessThan(Duration.ofMillis(900));
  }

  @Test
  void theDeadlineSurvivesAThreadHop() throws Exception {
    RemoteStock far = fixture.remote();
    StockGrpc.StockBlockingStub next = StockGrpc.newBlockingStub(fixture.channel(far.port()));
    ExecutorService pool = Executors.newSingleThreadExecutor();
    List<Long> known = new CopyOnWriteArrayList<>();
    stock.levelOf =
        (arrival, request, to) -> {
          List<java.util.concurrent.Executor> hops =
              List.of(
                  GrpcContexts.wrap(pool),
                  CallContext.wrap(pool),
                  Context.currentContextExecutor(pool));
          for (java.util.concurrent.Executor hop : hops) {
            CompletableFuture.runAsync(
                    () -> {
                      known.add(GrpcContexts.current().remainingNanos(Long.MAX_VALUE));
                      next.levelOf(request);
                    },
                    hop)
                .get(10, TimeUnit.SECONDS);
          }
          RemoteStock.answer(to, Level.getDefaultInstance());
        };
    GrpcServer server = fixture.server(stock, settings -> settings);
    stub(server).withDeadlineAfter(4_000, TimeUnit.MILLISECONDS).levelOf(APPLE);
    assertThat(far.arrivals).hasSize(3);
    assertThat(far.arrivals)
        .allSatisfy(each -> assertThat(each.millisLeft()).isBetween(1L, 4_000L));
    // gRPC's own context keeps the deadline on the wire; the engine must know it too.
    assertThat(known)
        .allSatisfy(
            each -> assertThat(each).isLessThanOrEqualTo(Duration.ofMillis(4_000).toNanos()));
    pool.shutdownNow();
  }

  @Test
  void anInterruptReachesOnlyTheCodeOfItsHandler() {
    HandlerThread stopped = new HandlerThread();
    assertThat(stopped.enter()).isTrue();
    stopped.stop();
    assertThat(Thread.currentThread().isInterrupted()).isTrue();
    stopped.exit();
    assertThat(Thread.interrupted()).isFalse();
    HandlerThread ended = new HandlerThread();
    assertThat(ended.enter()).isTrue();
    ended.exit();
    ended.stop();
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void noHandlerRunsAfterTheDeadline() throws Exception {
    GrpcServer server =
        fixture.server(stock, settings -> settings.maxTimeout(Duration.ofMillis(50)));
    // Half a request: the time passes before the other half arrives.
    CompletableFuture<Status> end = new CompletableFuture<>();
    CompletableFuture<Metadata> trailers = new CompletableFuture<>();
    io.grpc.ClientCall<LevelRequest, Level> call =
        fixture.bare(server.port()).newCall(StockGrpc.getLevelOfMethod(), CallOptions.DEFAULT);
    call.start(
        new io.grpc.ClientCall.Listener<>() {
          @Override
          public void onClose(Status status, Metadata received) {
            trailers.complete(received);
            end.complete(status);
          }
        },
        new Metadata());
    call.request(2);
    call.sendMessage(APPLE);
    Await.until("the call has ended", () -> server.health().details().get("overruns").equals("1"));
    call.halfClose();
    // The other half may arrive a moment before the end has left.
    assertThat(end.get(10, TimeUnit.SECONDS).getDescription())
        .containsPattern("^COMMS-GRPC-10(4: the time of the call was over|5: the handler overran)");
    assertThat(stock.arrivals).hasSize(1);
  }

  @Test
  void aCallThatHasWaitedTooLongRunsNoHandler() throws Exception {
    CountDownLatch arrived = new CountDownLatch(2);
    CountDownLatch over = new CountDownLatch(1);
    List<String> handled = new CopyOnWriteArrayList<>();
    stock.levelOf =
        (arrival, request, to) -> {
          handled.add(request.getItem());
          if (request.getItem().equals("first")) {
            over.await();
          }
          RemoteStock.answer(to, Level.getDefaultInstance());
        };
    ExecutorService only = Executors.newSingleThreadExecutor();
    GrpcServer server =
        GrpcServer.builder(
                Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                    .executor(only)
                    .addStreamTracerFactory(new Arrivals(arrived)),
                fixture.resilience)
            .drainDelay(Duration.ZERO)
            .service(stock.recorded())
            .build();
    fixture.<AutoCloseable>add(server::close);
    server.start();
    ManagedChannel channel = fixture.bare(server.port());
    StockGrpc.StockBlockingStub caller = StockGrpc.newBlockingStub(channel);
    Future<Level> first = StockGrpc.newFutureStub(channel).levelOf(item("first"));
    Await.until("it has the only thread", () -> handled.size() == 1);
    assertThat(
            failure(
                    () ->
                        caller
                            .withDeadlineAfter(500, TimeUnit.MILLISECONDS)
                            .levelOf(item("too late")))
                .getStatus()
                .getCode())
        .isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(arrived.await(10, TimeUnit.SECONDS)).isTrue();
    over.countDown();
    assertThat(first.get(10, TimeUnit.SECONDS)).isNotNull();
    // It has the thread after the one before.
    assertThat(caller.levelOf(item("next"))).isNotNull();
    assertThat(handled).containsExactly("first", "next");
    only.shutdownNow();
  }

  private static LevelRequest item(String item) {
    return LevelRequest.newBuilder().setItem(item).build();
  }

  /** Counts the calls that have arrived, before any thread works on them. */
  private static final class Arrivals extends ServerStreamTracer.Factory {
    private final CountDownLatch missing;

    Arrivals(CountDownLatch missing) {
      this.missing = missing;
    }

    @Override
    public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
      missing.countDown();
      return new ServerStreamTracer() {};
    }
  }

  @Test
  void aHandlerThatOutlivesItsCallKeepsItsPlace() throws Exception {
    CountDownLatch arrived = new CountDownLatch(1);
    CountDownLatch interrupted = new CountDownLatch(1);
    CountDownLatch over = new CountDownLatch(1);
    stock.levelOf =
        (arrival, request, to) -> {
          arrived.countDown();
          try {
            new CountDownLatch(1).await();
          } catch (InterruptedException e) {
            interrupted.countDown();
          }
          over.await();
        };
    GrpcServer server = fixture.server(stock, settings -> settings.maxInFlight(1));
    ManagedChannel channel = fixture.bare(server.port());
    Future<Level> call = StockGrpc.newFutureStub(channel).levelOf(APPLE);
    assertThat(arrived.await(10, TimeUnit.SECONDS)).isTrue();
    call.cancel(true);
    assertThat(interrupted.await(10, TimeUnit.SECONDS)).isTrue();
    isProblem(
        failure(() -> StockGrpc.newBlockingStub(channel).levelOf(APPLE)),
        Status.Code.RESOURCE_EXHAUSTED,
        "COMMS-GRPC-108: calls in flight: too many (expected: at most 1",
        true);
    over.countDown();
    Await.until("its place is free", () -> server.health().details().get("inFlight").equals("0"));
  }

  @Test
  void aHandlerThatOverrunsIsInterrupted() throws Exception {
    CountDownLatch interrupted = new CountDownLatch(1);
    stock.levelOf =
        (arrival, request, to) -> {
          try {
            new CountDownLatch(1).await();
          } catch (InterruptedException e) {
            interrupted.countDown();
          }
        };
    GrpcServer server =
        fixture.server(stock, settings -> settings.maxTimeout(Duration.ofSeconds(1)));
    isProblem(
        failure(() -> stub(server).levelOf(APPLE)),
        Status.Code.DEADLINE_EXCEEDED,
        "COMMS-GRPC-105: the handler overran the maxTimeout",
        true);
    assertThat(interrupted.await(10, TimeUnit.SECONDS)).isTrue();
  }

  /** gRPC warns, with a stack trace, if the health service is ended twice. */
  @Test
  void aDrainedServerClosesWithoutAWarning() {
    List<LogRecord> logged = new CopyOnWriteArrayList<>();
    Handler handler = new RecordingHandler(logged);
    Logger logger = Logger.getLogger("io.grpc.protobuf.services.HealthServiceImpl");
    logger.addHandler(handler);
    try {
      GrpcServer server = fixture.server(stock, settings -> settings);
      assertThat(server.drain(Duration.ofSeconds(10))).isTrue();
      server.close();
      server.close();
    } finally {
      logger.removeHandler(handler);
    }
    assertThat(logged).isEmpty();
  }

  @Test
  void aServerThatHasNotStartedIsNeitherDrainedNorLeft() throws Exception {
    GrpcServer server =
        GrpcServer.builder(
                Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create()),
                fixture.resilience)
            .service(stock.recorded())
            .build();
    fixture.add(server::close);
    server.stopIntake();
    assertThat(server.drain(Duration.ofSeconds(10))).isTrue();
    server.start();
    ManagedChannel channel = fixture.bare(server.port());
    assertThat(
            HealthGrpc.newBlockingStub(channel)
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus())
        .isEqualTo(ServingStatus.SERVING);
  }

  private static final class RecordingHandler extends Handler {
    private final List<LogRecord> logged;

    RecordingHandler(List<LogRecord> logged) {
      this.logged = logged;
    }

    @Override
    public void publish(LogRecord entry) {
      logged.add(entry);
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }

  @Test
  void cancellationReachesTheThirdHop() throws Exception {
    // No time of an attempt or a call ends within the test's wait.
    fixture
        .resilience
        .guard("stock")
        .replacePolicy(
            GrpcFixture.policy(Duration.ofSeconds(60)).deadline(Duration.ofSeconds(60)).build());
    CountDownLatch arrived = new CountDownLatch(1);
    CountDownLatch interrupted = new CountDownLatch(3);
    RemoteStock third = new RemoteStock();
    third.levelOf =
        (arrival, request, to) -> {
          arrived.countDown();
          try {
            new CountDownLatch(1).await();
          } catch (InterruptedException e) {
            interrupted.countDown();
            throw e;
          }
        };
    GrpcServer last = fixture.server(third, settings -> settings.name("third"));
    RemoteStock second = relaying(last, interrupted);
    GrpcServer middle = fixture.server(second, settings -> settings.name("second"));
    RemoteStock first = relaying(middle, interrupted);
    GrpcServer edge = fixture.server(first, settings -> settings.name("first"));
    Context.CancellableContext context = Context.current().withCancellation();
    Context before = context.attach();
    Future<Level> call = StockGrpc.newFutureStub(fixture.channel(edge.port())).levelOf(APPLE);
    context.detach(before);
    assertThat(arrived.await(10, TimeUnit.SECONDS)).isTrue();
    context.cancel(null);
    assertThat(interrupted.await(10, TimeUnit.SECONDS)).isTrue();
    Await.until("the caller has its failure", call::isDone);
  }

  private RemoteStock relaying(GrpcServer to, CountDownLatch ends) {
    StockGrpc.StockBlockingStub next = StockGrpc.newBlockingStub(fixture.channel(to.port()));
    RemoteStock relay = new RemoteStock();
    relay.levelOf =
        (arrival, request, observer) -> {
          try {
            RemoteStock.answer(observer, next.levelOf(request));
          } finally {
            ends.countDown();
          }
        };
    return relay;
  }

  @Test
  void whatAHandlerThrowsReachesNoCaller() throws Exception {
    GrpcServer server = fixture.server(stock, settings -> settings);
    StockGrpc.StockBlockingStub caller = stub(server);
    stock.levelOf =
        (arrival, request, to) -> {
          throw new IllegalStateException("secret of apple");
        };
    isProblem(
        failure(() -> caller.levelOf(APPLE)),
        Status.Code.INTERNAL,
        "COMMS-GRPC-106: the handler failed",
        true);
    stock.levelOf = (arrival, request, to) -> to.onError(new IllegalStateException("secret"));
    StatusRuntimeException failure = failure(() -> caller.levelOf(APPLE));
    isProblem(failure, Status.Code.INTERNAL, "COMMS-GRPC-106: the handler failed", true);
    assertThat(failure.toString()).doesNotContain("secret");
    stock.levelOf =
        (arrival, request, to) -> {
          RemoteStock.answer(to, Level.getDefaultInstance());
          to.onNext(Level.getDefaultInstance());
        };
    assertThat(caller.levelOf(APPLE)).isNotNull();
    stock.levelOf =
        (arrival, request, to) -> {
          to.onNext(Level.getDefaultInstance());
          to.onNext(Level.getDefaultInstance());
        };
    isProblem(
        failure(() -> caller.levelOf(APPLE)),
        Status.Code.INTERNAL,
        "COMMS-GRPC-106: the handler failed",
        true);
  }

  @Test
  void aStatusOfTheHandlerIsKept() throws Exception {
    GrpcServer server = fixture.server(stock, settings -> settings);
    stock.levelOf =
        (arrival, request, to) ->
            to.onError(
                GrpcProblem.builder(CallStatus.FAILED_PRECONDITION)
                    .code("STOCK-7")
                    .detail("count first")
                    .retryAfter(Duration.ofMillis(1_500))
                    .build()
                    .asException());
    StatusRuntimeException failure = failure(() -> stub(server).levelOf(APPLE));
    assertThat(failure.getStatus().getDescription()).isEqualTo("STOCK-7: count first");
    GrpcProblem problem = GrpcProblem.of(failure).orElseThrow();
    assertThat(problem.retryAfter()).hasValue(Duration.ofMillis(1_500));
    assertThat(problem.detail()).isEqualTo("count first");
    assertThat(failure.getTrailers().get(GrpcHeaders.PUSHBACK)).isEqualTo("1500");
  }

  @Test
  void aFailedCallOfAHandlerForbidsFurtherRetries() throws Exception {
    StockGrpc.StockBlockingStub closed = StockGrpc.newBlockingStub(fixture.channel(1));
    stock.levelOf = (arrival, request, to) -> RemoteStock.answer(to, closed.levelOf(request));
    GrpcServer server = fixture.server(stock, settings -> settings);
    isProblem(
        failure(() -> stub(server).levelOf(APPLE)),
        Status.Code.UNAVAILABLE,
        "COMMS-GRPC-107: a call or another dependency of the handler failed",
        false);
  }

  @Test
  void aCallOverTheBoundIsPushedBack() throws Exception {
    CountDownLatch arrived = new CountDownLatch(1);
    CountDownLatch over = new CountDownLatch(1);
    stock.levelOf =
        (arrival, request, to) -> {
          arrived.countDown();
          over.await();
          RemoteStock.answer(to, Level.getDefaultInstance());
        };
    GrpcServer server =
        fixture.server(
            stock, settings -> settings.maxInFlight(1).retryAfter(Duration.ofMillis(250)));
    ManagedChannel channel = fixture.bare(server.port());
    Future<Level> running = StockGrpc.newFutureStub(channel).levelOf(APPLE);
    assertThat(arrived.await(10, TimeUnit.SECONDS)).isTrue();
    StatusRuntimeException failure =
        failure(() -> StockGrpc.newBlockingStub(channel).levelOf(APPLE));
    isProblem(
        failure,
        Status.Code.RESOURCE_EXHAUSTED,
        "COMMS-GRPC-108: calls in flight: too many (expected: at most 1, the server's maxInFlight)",
        true);
    assertThat(failure.getTrailers().get(GrpcHeaders.PUSHBACK)).isEqualTo("250");
    over.countDown();
    assertThat(running.get(10, TimeUnit.SECONDS)).isNotNull();
    Await.until("the call has ended", () -> server.health().details().get("inFlight").equals("0"));
    assertThat(server.health().details()).containsEntry("refused", "1");
  }

  @Test
  void aLimiterRefusesAndLearns() throws Exception {
    CountDownLatch arrived = new CountDownLatch(1);
    CountDownLatch over = new CountDownLatch(1);
    stock.levelOf =
        (arrival, request, to) -> {
          arrived.countDown();
          over.await();
          RemoteStock.answer(to, Level.getDefaultInstance());
        };
    AdaptiveLimiter limiter =
        AdaptiveLimiter.create(
            AdaptiveLimiterConfig.builder().initialLimit(1).minLimit(1).maxLimit(1).build(),
            fixture.runtime);
    GrpcServer server = fixture.server(stock, settings -> settings.limiter(limiter));
    ManagedChannel channel = fixture.bare(server.port());
    Future<Level> running = StockGrpc.newFutureStub(channel).levelOf(APPLE);
    assertThat(arrived.await(10, TimeUnit.SECONDS)).isTrue();
    isProblem(
        failure(() -> StockGrpc.newBlockingStub(channel).levelOf(APPLE)),
        Status.Code.RESOURCE_EXHAUSTED,
        "COMMS-GRPC-108: calls in flight: too many (expected: at most 1, the server's limiter now)",
        true);
    over.countDown();
    assertThat(running.get(10, TimeUnit.SECONDS)).isNotNull();
    Await.until("the call has ended", () -> limiter.inFlight() == 0);
    assertThat(server.health().details()).containsEntry("limit", "1");
  }

  @Test
  void theLessCriticalAreRefusedFirst() throws Exception {
    CountDownLatch arrived = new CountDownLatch(1);
    CountDownLatch over = new CountDownLatch(1);
    stock.setLevel =
        (arrival, request, to) -> {
          arrived.countDown();
          over.await();
          RemoteStock.answer(to, request);
        };
    AdaptiveLimiter limiter =
        AdaptiveLimiter.create(
            AdaptiveLimiterConfig.builder().initialLimit(2).minLimit(2).maxLimit(2).build(),
            fixture.runtime);
    GrpcServer server = fixture.server(stock, settings -> settings.limiter(limiter));
    Future<Level> running =
        StockGrpc.newFutureStub(fixture.bare(server.port())).setLevel(Level.getDefaultInstance());
    assertThat(arrived.await(10, TimeUnit.SECONDS)).isTrue();
    fixture
        .resilience
        .guard("stock")
        .replacePolicy(
            GrpcFixture.policy(Duration.ofSeconds(5)).without(CallPolicy.Part.RETRY).build());
    StockGrpc.StockBlockingStub stub = StockGrpc.newBlockingStub(fixture.channel(server.port()));
    isProblem(
        failure(() -> of(Criticality.SHEDDABLE, stub)),
        Status.Code.RESOURCE_EXHAUSTED,
        "COMMS-GRPC-108: calls in flight: too many (expected: at most 1, the server's limiter now)",
        true);
    assertThat(of(Criticality.CRITICAL, stub)).isNotNull();
    assertThat(of(Criticality.SHEDDABLE_PLUS, stub)).isNotNull();
    assertThat(stub.levelOf(APPLE)).isNotNull();
    over.countDown();
    assertThat(running.get(10, TimeUnit.SECONDS)).isNotNull();
  }

  private static Level of(Criticality criticality, StockGrpc.StockBlockingStub stub) {
    return CallContext.empty()
        .withCriticality(criticality)
        .<Level, RuntimeException>call(() -> stub.levelOf(APPLE));
  }

  @Test
  void healthIgnoresBreakers() throws Exception {
    GrpcServer server = fixture.server(stock, settings -> settings);
    fixture.resilience.guard("stock").forceBreakerOpen();
    HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(fixture.bare(server.port()));
    for (String service : List.of("", "commslib.test.v1.Stock")) {
      assertThat(
              health.check(HealthCheckRequest.newBuilder().setService(service).build()).getStatus())
          .isEqualTo(ServingStatus.SERVING);
    }
    assertThat(server.health().status()).isEqualTo(Health.Status.UP);
    server.stopIntake();
    assertThat(health.check(HealthCheckRequest.getDefaultInstance()).getStatus())
        .isEqualTo(ServingStatus.NOT_SERVING);
    assertThat(stub(server).levelOf(APPLE)).isNotNull();
    assertThat(server.health().status()).isEqualTo(Health.Status.DOWN);
  }

  @Test
  void reflectionIsOptIn() throws Exception {
    GrpcServer plain = fixture.server(stock, settings -> settings);
    GrpcServer reflecting =
        fixture.server(stock, settings -> settings.name("reflecting").reflection(true));
    assertThat(services(plain)).isZero();
    assertThat(services(reflecting)).isGreaterThan(1);
  }

  private int services(GrpcServer server) throws Exception {
    CompletableFuture<Integer> count = new CompletableFuture<>();
    io.grpc.stub.StreamObserver<io.grpc.reflection.v1.ServerReflectionRequest> to =
        io.grpc.reflection.v1.ServerReflectionGrpc.newStub(fixture.bare(server.port()))
            .serverReflectionInfo(
                new io.grpc.stub.StreamObserver<>() {
                  @Override
                  public void onNext(io.grpc.reflection.v1.ServerReflectionResponse value) {
                    count.complete(value.getListServicesResponse().getServiceCount());
                  }

                  @Override
                  public void onError(Throwable failure) {
                    count.complete(0);
                  }

                  @Override
                  public void onCompleted() {}
                });
    to.onNext(
        io.grpc.reflection.v1.ServerReflectionRequest.newBuilder().setListServices("").build());
    int services = count.get(10, TimeUnit.SECONDS);
    to.onCompleted();
    return services;
  }

  @Test
  void aPortInUseIsNamed() throws Exception {
    GrpcServer server = fixture.server(stock, settings -> settings);
    GrpcServer second =
        GrpcServer.builder(
                Grpc.newServerBuilderForPort(server.port(), InsecureServerCredentials.create()),
                fixture.resilience)
            .service(stock)
            .build();
    assertThatThrownBy(second::start)
        .isInstanceOf(CommsException.class)
        .hasMessageStartingWith("COMMS-GRPC-110: can't listen: ");
    second.close();
  }

  @Test
  void badInputHasACodeAndTheNextCallWorks() throws Exception {
    GrpcServer server = fixture.server(stock, settings -> settings);
    ManagedChannel channel = fixture.bare(server.port());
    StockGrpc.StockBlockingStub caller = StockGrpc.newBlockingStub(channel);
    isProblem(
        failure(() -> call(channel, "commslib.test.v1.Stock/Secret", new byte[0])),
        Status.Code.UNIMPLEMENTED,
        "COMMS-GRPC-101: method: unknown (expected: a method of a service of this server)",
        false);
    isProblem(
        failure(() -> call(channel, "commslib.test.v1.Stock/LevelOf", new byte[] {-1, -1, 7})),
        Status.Code.INVALID_ARGUMENT,
        "COMMS-GRPC-103: request: malformed (expected: a message of this method)",
        false);
    for (String timeout : List.of("soon", "-1S", "", "100000000H", "5", "5X", "1 S")) {
      isProblem(
          failure(() -> with("grpc-timeout", timeout, channel).levelOf(APPLE)),
          Status.Code.INVALID_ARGUMENT,
          "COMMS-GRPC-102: grpc-timeout: malformed (expected: 1 to 8 digits and one of H, M, S,",
          false);
    }
    isProblem(
        failure(() -> with("grpc-timeout", "1n", channel).levelOf(APPLE)),
        Status.Code.DEADLINE_EXCEEDED,
        "COMMS-GRPC-104: the time of the call was over before its handler began",
        true);
    assertThat(with("grpc-timeout", "99999999H", channel).levelOf(APPLE)).isNotNull();
    assertThat(with("traceparent", "nonsense", channel).levelOf(APPLE)).isNotNull();
    assertThat(with("baggage", "a=%ZZ,,=,b=%00", channel).levelOf(APPLE)).isNotNull();
    assertThat(with("grpc-previous-rpc-attempts", "-7", channel).levelOf(APPLE)).isNotNull();
    LevelRequest large =
        LevelRequest.newBuilder().setPadding(ByteString.copyFrom(new byte[5 << 20])).build();
    assertThat(failure(() -> caller.levelOf(large)).getStatus().getCode())
        .isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    // 64 MiB of zeros, compressed to some kilobytes.
    LevelRequest bomb =
        LevelRequest.newBuilder().setPadding(ByteString.copyFrom(new byte[64 << 20])).build();
    isProblem(
        failure(() -> caller.withCompression("gzip").levelOf(bomb)),
        Status.Code.RESOURCE_EXHAUSTED,
        "COMMS-GRPC-109: request: too large once decompressed (expected: at most the server's",
        false);
    assertThat(caller.levelOf(APPLE).getItem()).isEqualTo("apple");
    Await.until("the call has ended", () -> server.health().details().get("inFlight").equals("0"));
  }

  /** Reads each request as the message that it is. */
  private static final class Reading implements ServerInterceptor {
    private final Queue<LevelRequest> seen = new ConcurrentLinkedQueue<>();

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      return new ForwardingServerCallListener.SimpleForwardingServerCallListener<>(
          next.startCall(call, headers)) {
        @Override
        public void onMessage(Q message) {
          seen.add((LevelRequest) message);
          super.onMessage(message);
        }
      };
    }
  }

  @Test
  void anInterceptorOfAServiceReadsNoMalformedRequest() throws Exception {
    for (boolean isAround : new boolean[] {false, true}) {
      Reading reading = new Reading();
      ServerBuilder<?> transport =
          Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create());
      GrpcServer.Builder settings =
          GrpcServer.builder(
              isAround ? transport.intercept(reading) : transport, fixture.resilience);
      GrpcServer server =
          (isAround
                  ? settings.service(stock.recorded())
                  : settings.service(ServerInterceptors.intercept(stock.recorded(), reading)))
              .build();
      fixture.add(server::close);
      server.start();
      ManagedChannel channel = fixture.bare(server.port());
      String method = "commslib.test.v1.Stock/LevelOf";
      Status status = failure(() -> call(channel, method, new byte[] {-1, -1, 7})).getStatus();
      assertThat(status.getCode())
          .isEqualTo(isAround ? Status.Code.UNKNOWN : Status.Code.INVALID_ARGUMENT);
      assertThat(StockGrpc.newBlockingStub(channel).levelOf(APPLE).getItem()).isEqualTo("apple");
      assertThat(reading.seen).containsExactly(APPLE);
    }
  }

  private static StockGrpc.StockBlockingStub with(String header, String value, Channel channel) {
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of(header, Metadata.ASCII_STRING_MARSHALLER), value);
    return StockGrpc.newBlockingStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  private static byte[] call(Channel channel, String method, byte[] request) {
    MethodDescriptor.Marshaller<byte[]> bytes =
        new MethodDescriptor.Marshaller<>() {
          @Override
          public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
          }

          @Override
          public byte[] parse(InputStream stream) {
            return new byte[0];
          }
        };
    return ClientCalls.blockingUnaryCall(
        channel,
        MethodDescriptor.newBuilder(bytes, bytes)
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName(method)
            .build(),
        CallOptions.DEFAULT,
        request);
  }

  @Test
  void aClosingServerInterrupts() throws Exception {
    CountDownLatch arrived = new CountDownLatch(1);
    CountDownLatch interrupted = new CountDownLatch(1);
    stock.reserve =
        (arrival, request, to) -> {
          arrived.countDown();
          try {
            new CountDownLatch(1).await();
          } catch (InterruptedException e) {
            interrupted.countDown();
          }
        };
    GrpcServer server = fixture.server(stock, settings -> settings);
    Future<Reservation> call =
        StockGrpc.newFutureStub(fixture.bare(server.port()))
            .reserve(ReserveRequest.getDefaultInstance());
    assertThat(arrived.await(10, TimeUnit.SECONDS)).isTrue();
    server.close();
    assertThat(interrupted.await(10, TimeUnit.SECONDS)).isTrue();
    assertThatThrownBy(() -> call.get(10, TimeUnit.SECONDS)).hasMessageContaining("CANCELLED");
  }
}
