package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallException;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.HedgingConfig;
import io.commslib.core.resilience.RetryBudgetConfig;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.grpc.proto.Level;
import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.commslib.testkit.Await;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which attempt a stream belongs to, and what ends it, on real servers. */
class StreamOwnerTest {

  private static final LevelRequest APPLE = LevelRequest.newBuilder().setItem("apple").build();
  private static final int MESSAGES = 5;

  private final GrpcFixture fixture = new GrpcFixture();

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  private void policy(CallPolicy.Builder policy) {
    fixture.resilience.guard("stock").replacePolicy(policy.build());
  }

  private static void send(StreamObserver<Level> to) {
    for (int i = 1; i <= MESSAGES; i++) {
      to.onNext(Level.newBuilder().setCount(i).build());
    }
    to.onCompleted();
  }

  private static List<Long> received(StockGrpc.StockBlockingStub stub) {
    List<Long> counts = new ArrayList<>();
    stub.watch(APPLE).forEachRemaining(level -> counts.add(level.getCount()));
    return counts;
  }

  @Test
  void aStreamOfRequestsHasOneAttemptAlsoIfItWasNotSent() throws Exception {
    RemoteStock gone = fixture.remote();
    int port = gone.port();
    gone.close();
    StockGrpc.StockStub stock = StockGrpc.newStub(fixture.channel(port));
    CompletableFuture<Level> answer = new CompletableFuture<>();
    StreamObserver<Level> upload = stock.upload(completing(answer));
    upload.onNext(Level.getDefaultInstance());
    upload.onCompleted();
    assertThat(attempts(answer)).isEqualTo(1);
    CompletableFuture<Level> talk = new CompletableFuture<>();
    stock.talk(completing(talk)).onNext(Level.getDefaultInstance());
    assertThat(attempts(talk)).isEqualTo(1);
  }

  private static int attempts(CompletableFuture<Level> answer) throws Exception {
    ExecutionException failed =
        catchThrowableOfType(ExecutionException.class, () -> answer.get(20, TimeUnit.SECONDS));
    return ((CallException) failed.getCause().getCause()).attempts();
  }

  private static StreamObserver<Level> completing(CompletableFuture<Level> answer) {
    return new StreamObserver<>() {
      @Override
      public void onNext(Level value) {
        answer.complete(value);
      }

      @Override
      public void onError(Throwable failure) {
        answer.completeExceptionally(failure);
      }

      @Override
      public void onCompleted() {
        answer.complete(Level.getDefaultInstance());
      }
    };
  }

  @Test
  void theLosingAttemptOfAHedgedStreamDoesNotEndIt() throws Exception {
    policy(
        GrpcFixture.policy(Duration.ofSeconds(5))
            .without(CallPolicy.Part.BREAKER)
            .budget(new RetryBudgetConfig(100, 1_000, Duration.ofSeconds(10)))
            .hedging(HedgingConfig.of(Duration.ofMillis(5))));
    RemoteStock remote = fixture.remote();
    CyclicBarrier both = new CyclicBarrier(2);
    remote.watch =
        (arrival, request, to) -> {
          // The first messages of both attempts arrive at about the same time.
          both.await(10, TimeUnit.SECONDS);
          send(to);
        };
    StockGrpc.StockBlockingStub stub = StockGrpc.newBlockingStub(fixture.channel(remote.port()));
    for (int i = 0; i < 60; i++) {
      assertThat(received(stub)).containsExactly(1L, 2L, 3L, 4L, 5L);
    }
  }

  @Test
  void anAttemptThatIsTooLateDoesNotEndTheStreamOfItsRepetition() throws Exception {
    policy(
        GrpcFixture.policy(Duration.ofMillis(160))
            .without(CallPolicy.Part.BREAKER)
            // On a busy machine also an attempt that is answered at once may be too late.
            .retry(
                RetryPolicy.defaults()
                    .withMaxAttempts(10)
                    .withBackoff(Backoff.exponential(Duration.ofMillis(1), Duration.ofMillis(5))))
            .budget(new RetryBudgetConfig(100, 1_000, Duration.ofSeconds(10))));
    RemoteStock remote = fixture.remote();
    remote.watch =
        (arrival, request, to) -> {
          if (arrival.number() % 2 == 1) {
            // At about the attempt's end, sometimes before and sometimes after it.
            new CountDownLatch(1).await(150 + arrival.number() / 2, TimeUnit.MILLISECONDS);
          }
          send(to);
        };
    StockGrpc.StockBlockingStub stub = StockGrpc.newBlockingStub(fixture.channel(remote.port()));
    for (int i = 0; i < 20; i++) {
      assertThat(received(stub)).containsExactly(1L, 2L, 3L, 4L, 5L);
    }
  }

  @Test
  void theDeadlineOfTheCallersContextEndsAStreamThatHasBegun() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.watch = (arrival, request, to) -> to.onNext(Level.getDefaultInstance());
    StockGrpc.StockBlockingStub stub = StockGrpc.newBlockingStub(fixture.channel(remote.port()));
    StatusRuntimeException failure =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () -> CallContext.within(Duration.ofMillis(400), () -> received(stub)));
    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(remote.arrivals.get(0).millisLeft()).isBetween(1L, 400L);
  }

  @Test
  void theFurtherMessagesOfALosingAttemptDoNotReachTheCaller() throws Exception {
    policy(
        GrpcFixture.policy(Duration.ofSeconds(5))
            .without(CallPolicy.Part.BREAKER)
            .budget(new RetryBudgetConfig(100, 1_000, Duration.ofSeconds(10)))
            .hedging(HedgingConfig.of(Duration.ofMillis(5))));
    RemoteStock remote = fixture.remote();
    remote.watch =
        (arrival, request, to) -> {
          for (int i = 1; i <= 2; i++) {
            to.onNext(Level.newBuilder().setCount(arrival.number() * 10L + i).build());
          }
        };
    List<HeldAnswers<?, ?>> held = new CopyOnWriteArrayList<>();
    Channel channel =
        intercepted(
            remote,
            new ClientInterceptor() {
              @Override
              public <Q, A> ClientCall<Q, A> interceptCall(
                  MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
                HeldAnswers<Q, A> call = new HeldAnswers<>(next.newCall(method, options));
                held.add(call);
                return call;
              }
            });
    List<Long> counts = new CopyOnWriteArrayList<>();
    ClientCall<LevelRequest, Level> call =
        channel.newCall(StockGrpc.getWatchMethod(), CallOptions.DEFAULT);
    begin(call, receiving(counts, new CompletableFuture<>()));
    call.request(10);
    Await.until(
        "both attempts have two messages",
        () -> held.size() >= 2 && held.stream().limit(2).allMatch(each -> each.messages() == 2));
    held.get(1).pass(1);
    Await.until("one attempt is chosen", () -> counts.size() == 1);
    held.get(0).pass(2);
    held.get(1).pass(1);
    Await.until("the caller has both messages of one attempt", () -> counts.size() >= 2);
    assertThat(counts.stream().map(count -> count / 10).distinct()).as("%s", counts).hasSize(1);
    assertThat(counts.stream().map(count -> count % 10)).containsExactly(1L, 2L);
    call.cancel("enough", null);
  }

  /** Reads one message ahead, and keeps what a real call receives until the test passes it on. */
  private static final class HeldAnswers<Q, A> extends SimpleForwardingClientCall<Q, A> {
    private final List<A> messages = new CopyOnWriteArrayList<>();
    private int passed;
    private Listener<A> listener;

    HeldAnswers(ClientCall<Q, A> own) {
      super(own);
    }

    int messages() {
      return messages.size();
    }

    @Override
    public void request(int count) {
      super.request(count + 1);
    }

    void pass(int count) {
      for (int i = 0; i < count; i++) {
        listener.onMessage(messages.get(passed++));
      }
    }

    @Override
    public void start(Listener<A> to, Metadata headers) {
      listener = to;
      super.start(
          new SimpleForwardingClientCallListener<>(to) {
            @Override
            public void onMessage(A message) {
              messages.add(message);
            }
          },
          headers);
    }
  }

  @Test
  void aStreamThatEndsBeforeItIsChosenKeepsItsEnd() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.watch = (arrival, request, to) -> RemoteStock.answer(to, Level.getDefaultInstance());
    Channel channel = intercepted(remote, new UntilAnswered(() -> {}));
    List<Long> counts = new CopyOnWriteArrayList<>();
    CompletableFuture<Status> end = new CompletableFuture<>();
    ClientCall<LevelRequest, Level> call =
        channel.newCall(StockGrpc.getWatchMethod(), CallOptions.DEFAULT);
    begin(call, receiving(counts, end));
    call.request(10);
    assertThat(end.get(10, TimeUnit.SECONDS).isOk()).isTrue();
    assertThat(counts).containsExactly(0L);
  }

  @Test
  void aCancelEndsACallAlsoIfItsAnswerIsHandedOverAfterIt() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.watch = (arrival, request, to) -> RemoteStock.answer(to, Level.getDefaultInstance());
    Deque<Runnable> late = new ConcurrentLinkedDeque<>();
    AtomicBoolean isLate = new AtomicBoolean();
    Executor executor =
        task -> {
          if (isLate.get()) {
            late.addFirst(task);
          } else {
            task.run();
          }
        };
    Channel channel = intercepted(remote, new UntilAnswered(() -> isLate.set(true)));
    for (boolean isStreamed : new boolean[] {false, true}) {
      isLate.set(false);
      CompletableFuture<Status> end = new CompletableFuture<>();
      ClientCall<LevelRequest, Level> call =
          channel.newCall(
              isStreamed ? StockGrpc.getWatchMethod() : StockGrpc.getLevelOfMethod(),
              CallOptions.DEFAULT.withExecutor(executor));
      begin(call, receiving(new ArrayList<>(), end));
      call.cancel("not wanted", null);
      // A pool may run the later task first.
      assertThat(late).hasSizeGreaterThan(1);
      while (!late.isEmpty()) {
        late.pop().run();
      }
      assertThat(end.get(4, TimeUnit.SECONDS).getCode()).isEqualTo(Status.Code.CANCELLED);
    }
  }

  /** Lets the first demand of an attempt return after the attempt has its whole answer. */
  private record UntilAnswered(Runnable then) implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      CountDownLatch answered = new CountDownLatch(1);
      return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
        @Override
        public void start(Listener<A> to, Metadata headers) {
          super.start(
              new SimpleForwardingClientCallListener<>(to) {
                @Override
                public void onClose(Status status, Metadata trailers) {
                  super.onClose(status, trailers);
                  then.run();
                  answered.countDown();
                }
              },
              headers);
        }

        @Override
        public void request(int count) {
          super.request(count);
          try {
            assertThat(answered.await(10, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        }
      };
    }
  }

  private Channel intercepted(RemoteStock remote, ClientInterceptor interceptor) {
    return fixture.built(
        GrpcCalls.builder(fixture.resilience, "stock")
            .protect(GrpcFixture.builder(remote.port()).intercept(interceptor)));
  }

  private static void begin(
      ClientCall<LevelRequest, Level> call, ClientCall.Listener<Level> listener) {
    call.start(listener, new Metadata());
    call.sendMessage(APPLE);
    call.halfClose();
  }

  private static ClientCall.Listener<Level> receiving(
      List<Long> counts, CompletableFuture<Status> end) {
    return new ClientCall.Listener<>() {
      @Override
      public void onMessage(Level message) {
        counts.add(message.getCount());
      }

      @Override
      public void onClose(Status status, Metadata trailers) {
        end.complete(status);
      }
    };
  }

  @Test
  void aCancelEndsACallWhoseAnswerWaitsForADemand() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.watch = (arrival, request, to) -> RemoteStock.answer(to, Level.getDefaultInstance());
    AtomicInteger answered = new AtomicInteger();
    Channel channel = intercepted(remote, new UntilAnswered(answered::incrementAndGet));
    for (boolean isStreamed : new boolean[] {false, true}) {
      CompletableFuture<Status> end = new CompletableFuture<>();
      ClientCall<LevelRequest, Level> call =
          channel.newCall(
              isStreamed ? StockGrpc.getWatchMethod() : StockGrpc.getLevelOfMethod(),
              CallOptions.DEFAULT.withExecutor(Runnable::run));
      begin(call, ending(end));
      call.cancel("not wanted", null);
      assertThat(end.get(4, TimeUnit.SECONDS).getCode()).isEqualTo(Status.Code.CANCELLED);
    }
    assertThat(answered).hasValue(2);
  }

  @Test
  void theDeadlineEndsACallWhoseAnswerWaitsForADemand() throws Exception {
    RemoteStock remote = fixture.remote();
    Channel channel = fixture.channel(remote.port());
    remote.levelOf = (arrival, request, to) -> RemoteStock.answer(to, Level.getDefaultInstance());
    CompletableFuture<Status> end = new CompletableFuture<>();
    ClientCall<LevelRequest, Level> call =
        channel.newCall(
            StockGrpc.getLevelOfMethod(),
            CallOptions.DEFAULT.withDeadlineAfter(500, TimeUnit.MILLISECONDS));
    call.start(ending(end), new Metadata());
    call.sendMessage(APPLE);
    call.halfClose();
    Status status = end.get(10, TimeUnit.SECONDS);
    assertThat(status.getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(status.getDescription())
        .startsWith("COMMS-CALL-002: the answer was not asked for in time");
    assertThat(remote.arrivals).hasSize(1);
  }

  @Test
  void theEndOfAStreamComesAfterItsFirstMessageThatWaitsForADemand() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.watch =
        (arrival, request, to) ->
            RemoteStock.answer(to, Level.newBuilder().setCount(arrival.number()).build());
    List<Long> counts = new CopyOnWriteArrayList<>();
    CompletableFuture<Status> end = new CompletableFuture<>();
    ClientCall<LevelRequest, Level> call =
        fixture.channel(remote.port()).newCall(StockGrpc.getWatchMethod(), CallOptions.DEFAULT);
    begin(call, receiving(counts, end));
    Await.until("the stream has arrived", () -> !remote.arrivals.isEmpty());
    Await.stays("it has no end", Duration.ofMillis(300), () -> !end.isDone() && counts.isEmpty());
    call.request(2);
    assertThat(end.get(10, TimeUnit.SECONDS).isOk()).isTrue();
    assertThat(counts).containsExactly(1L);
  }

  private static ClientCall.Listener<Level> ending(CompletableFuture<Status> end) {
    return new ClientCall.Listener<>() {
      @Override
      public void onClose(Status status, Metadata trailers) {
        end.complete(status);
      }
    };
  }

  @Test
  void aCallThatWasCancelledBeforeCannotBeStarted() throws Exception {
    RemoteStock remote = fixture.remote();
    ClientCall<LevelRequest, Level> call =
        fixture.channel(remote.port()).newCall(StockGrpc.getLevelOfMethod(), CallOptions.DEFAULT);
    call.cancel("not wanted", null);
    assertThatThrownBy(() -> call.start(ending(new CompletableFuture<>()), new Metadata()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("cancelled");
  }
}
