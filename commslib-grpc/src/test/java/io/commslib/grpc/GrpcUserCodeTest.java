package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Refusal;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.ConcurrencyLimiter;
import io.commslib.core.resilience.Permit;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.core.tx.TransactionWork;
import io.commslib.grpc.proto.Level;
import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.ReserveRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.commslib.idempotency.InMemoryIdempotencyStore;
import io.commslib.testkit.Await;
import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientStreamTracer;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Code of users fails in each place of a call over gRPC, on a real server: the caller has a status
 * with a code in time, the only place of the bulkhead and of the server is free again, and the next
 * call works.
 */
class GrpcUserCodeTest {

  private static final List<Throwable> FAILURES =
      List.of(
          new IllegalStateException("planted"),
          new NoClassDefFoundError("planted"),
          new StackOverflowError("planted"),
          new OutOfMemoryError("planted"));

  /** A place where code of users runs. */
  private enum Place {
    INTERCEPTOR_NEW_CALL,
    INTERCEPTOR_START,
    INTERCEPTOR_REQUEST,
    INTERCEPTOR_SEND,
    INTERCEPTOR_HALF_CLOSE,
    INTERCEPTOR_CANCEL,
    INTERCEPTOR_ON_HEADERS,
    INTERCEPTOR_ON_MESSAGE,
    INTERCEPTOR_ON_CLOSE,
    TRACER,
    CREDENTIALS,
    CLIENT_WRITES,
    CLIENT_READS,
    CALLER_EXECUTOR,
    CALLER_ON_HEADERS,
    CALLER_ON_MESSAGE,
    CALLER_ON_READY,
    CALLER_ON_CLOSE,
    SERVER_INTERCEPTOR,
    SERVER_READS,
    SERVER_WRITES,
    CALLER_NAME,
    LIMITER,
    LIMITER_END,
    STORE,
    UNARY_HANDLER,
    UNARY_ON_ERROR,
    STREAM_HANDLER,
    STREAM_ON_READY,
    STREAM_ON_CANCEL,
    STREAM_ON_CLOSE,
    UPLOAD_START,
    UPLOAD_ON_MESSAGE,
    UPLOAD_ON_END,
    TALK_START,
    TALK_ON_READY,
    TALK_ON_MESSAGE,
    TALK_ON_END,
    TRANSACTION_BEGIN,
    TRANSACTION_COMMIT,
    TRANSACTION_HANGS,
    OBSERVER_ON_CALL,
    OBSERVER_ON_ATTEMPT
  }

  private final AtomicInteger observed = new AtomicInteger();
  private final Set<Throwable> reached = ConcurrentHashMap.newKeySet();
  private final GrpcFixture fixture = new GrpcFixture(new Observer());
  private final RemoteStock stock = new RemoteStock();
  private volatile @Nullable Place armed;
  private volatile Throwable failure = FAILURES.get(0);
  private volatile @Nullable Throwable seenByHandler;
  private GrpcServer server;
  private Channel channel;

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  private void reach(Place place) {
    if (isReached(place)) {
      GrpcUserCodeTest.<RuntimeException>thrown(failure);
    }
  }

  private boolean isReached(Place place) {
    boolean isArmed = armed == place;
    if (isArmed) {
      reached.add(failure);
    }
    return isArmed;
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void thrown(Throwable failure) throws E {
    throw (E) failure;
  }

  private void serve() {
    stock.reserve =
        (arrival, request, to) -> {
          reach(Place.UNARY_HANDLER);
          if (isReached(Place.UNARY_ON_ERROR)) {
            to.onError(failure);
            return;
          }
          try {
            RemoteStock.answer(to, io.commslib.grpc.proto.Reservation.getDefaultInstance());
          } catch (RuntimeException | Error e) {
            seenByHandler = armed == Place.LIMITER_END ? e : null;
            throw e;
          }
        };
    stock.watch = (arrival, request, to) -> watched((ServerCallStreamObserver<Level>) to);
    stock.upload =
        to -> {
          reach(Place.UPLOAD_START);
          return receiving(to, Place.UPLOAD_ON_MESSAGE, Place.UPLOAD_ON_END);
        };
    stock.talk =
        to -> {
          reach(Place.TALK_START);
          ((ServerCallStreamObserver<Level>) to)
              .setOnReadyHandler(() -> reach(Place.TALK_ON_READY));
          return receiving(to, Place.TALK_ON_MESSAGE, Place.TALK_ON_END);
        };
    fixture
        .resilience
        .guard("stock")
        .replacePolicy(
            GrpcFixture.policy(Duration.ofSeconds(5))
                .without(CallPolicy.Part.BREAKER)
                .maxInFlight(1)
                .build());
    server =
        GrpcServer.builder(
                Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create()),
                fixture.resilience)
            .drainDelay(Duration.ZERO)
            .maxInFlight(1)
            .limiter(new Limiter())
            .caller(
                headers -> {
                  reach(Place.CALLER_NAME);
                  return "any";
                })
            .idempotency(StockGrpc.getSetLevelMethod(), store())
            .idempotency(
                StockGrpc.getLevelOfMethod(),
                IdempotentRequests.builder(inMemory()).build(),
                new Transactions())
            .service(ServerInterceptors.intercept(planted(stock.recorded()), new OfServer()))
            .build();
    fixture.add((AutoCloseable) server::close);
    server.start();
    channel =
        fixture.built(
            GrpcCalls.builder(fixture.resilience, "stock")
                .keyed(StockGrpc.getSetLevelMethod(), StockGrpc.getLevelOfMethod())
                .protect(GrpcFixture.builder(server.port()).intercept(new OfClient())));
  }

  private void watched(ServerCallStreamObserver<Level> to) {
    reach(Place.STREAM_HANDLER);
    to.setOnReadyHandler(() -> reach(Place.STREAM_ON_READY));
    to.setOnCancelHandler(() -> reach(Place.STREAM_ON_CANCEL));
    to.setOnCloseHandler(() -> reach(Place.STREAM_ON_CLOSE));
    to.onNext(Level.getDefaultInstance());
    if (armed != Place.STREAM_ON_CANCEL && armed != Place.STREAM_ON_READY) {
      to.onCompleted();
    }
  }

  private StreamObserver<Level> receiving(StreamObserver<Level> to, Place message, Place end) {
    return new StreamObserver<>() {
      @Override
      public void onNext(Level value) {
        reach(message);
      }

      @Override
      public void onError(Throwable failed) {}

      @Override
      public void onCompleted() {
        reach(end);
        if (armed != Place.TALK_ON_READY) {
          RemoteStock.answer(to, Level.getDefaultInstance());
        }
      }
    };
  }

  private IdempotencyStore store() {
    IdempotencyStore own = inMemory();
    return (IdempotencyStore)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {IdempotencyStore.class},
            (proxy, method, arguments) -> {
              if (method.getReturnType() == Claim.class) {
                reach(Place.STORE);
              }
              try {
                return method.invoke(own, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private IdempotencyStore inMemory() {
    return InMemoryIdempotencyStore.create(fixture.runtime.time(), Duration.ofHours(1), 1_000);
  }

  private final class Transactions implements TransactionRunner {
    private final TransactionRunner own = InMemoryTransactionRunner.create();

    @Override
    public DatabaseId database() {
      return own.database();
    }

    @Override
    public <T, X extends Exception> T run(TransactionWork<T, X> work) throws X {
      reach(Place.TRANSACTION_BEGIN);
      if (armed == Place.TRANSACTION_HANGS) {
        awaitInterrupt();
        reach(Place.TRANSACTION_HANGS);
      }
      T result = own.run(work);
      reach(Place.TRANSACTION_COMMIT);
      return result;
    }

    /** Waits as for a lock of a database, and leaves the interrupt to later code. */
    private void awaitInterrupt() {
      try {
        new CountDownLatch(1).await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private final class Observer implements CommsObserver {
    @Override
    public void onCall(CallTarget target, CallOutcome outcome, int attempts, Duration elapsed) {
      reach(Place.OBSERVER_ON_CALL);
      observed.incrementAndGet();
    }

    @Override
    public void onAttempt(
        CallTarget target,
        CallOutcome outcome,
        int attempt,
        Duration elapsed,
        Optional<Refusal> refusal) {
      reach(Place.OBSERVER_ON_ATTEMPT);
    }
  }

  private final class Limiter implements ConcurrencyLimiter {
    @Override
    public Permit tryAcquire() {
      reach(Place.LIMITER);
      return new Permit() {
        @Override
        public void ended(CallOutcome outcome, long nanos) {
          reach(Place.LIMITER_END);
        }

        @Override
        public void released() {}
      };
    }

    @Override
    public int inFlight() {
      return 0;
    }

    @Override
    public int limit() {
      return 100;
    }
  }

  private final class OfServer implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      reach(Place.SERVER_INTERCEPTOR);
      return next.startCall(call, headers);
    }
  }

  private final class OfClient implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      reach(Place.INTERCEPTOR_NEW_CALL);
      return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
        @Override
        public void start(Listener<A> to, Metadata headers) {
          reach(Place.INTERCEPTOR_START);
          super.start(listener(to), headers);
        }

        @Override
        public void request(int count) {
          reach(Place.INTERCEPTOR_REQUEST);
          super.request(count);
        }

        @Override
        public void sendMessage(Q message) {
          reach(Place.INTERCEPTOR_SEND);
          super.sendMessage(message);
        }

        @Override
        public void halfClose() {
          reach(Place.INTERCEPTOR_HALF_CLOSE);
          super.halfClose();
        }

        @Override
        public void cancel(@Nullable String reason, @Nullable Throwable cause) {
          super.cancel(reason, cause);
          reach(Place.INTERCEPTOR_CANCEL);
        }
      };
    }
  }

  private <A> ClientCall.Listener<A> listener(ClientCall.Listener<A> to) {
    return new SimpleForwardingClientCallListener<>(to) {
      @Override
      public void onHeaders(Metadata headers) {
        reach(Place.INTERCEPTOR_ON_HEADERS);
        super.onHeaders(headers);
      }

      @Override
      public void onMessage(A message) {
        reach(Place.INTERCEPTOR_ON_MESSAGE);
        super.onMessage(message);
      }

      @Override
      public void onClose(Status status, Metadata trailers) {
        reach(Place.INTERCEPTOR_ON_CLOSE);
        super.onClose(status, trailers);
      }
    };
  }

  /** A marshaller that fails in its places. */
  private final class Planted<T> implements MethodDescriptor.Marshaller<T> {
    private final MethodDescriptor.Marshaller<T> own;
    private final Place writes;
    private final Place reads;

    Planted(MethodDescriptor.Marshaller<T> own, Place writes, Place reads) {
      this.own = own;
      this.writes = writes;
      this.reads = reads;
    }

    @Override
    public InputStream stream(T value) {
      reach(writes);
      return own.stream(value);
    }

    @Override
    public T parse(InputStream stream) {
      reach(reads);
      return own.parse(stream);
    }
  }

  private <Q, A> MethodDescriptor<Q, A> planted(
      MethodDescriptor<Q, A> method, Place writes, Place reads) {
    return method.toBuilder(
            new Planted<>(method.getRequestMarshaller(), writes, reads),
            new Planted<>(method.getResponseMarshaller(), writes, reads))
        .build();
  }

  private ServerServiceDefinition planted(ServerServiceDefinition own) {
    ServerServiceDefinition.Builder all =
        ServerServiceDefinition.builder(own.getServiceDescriptor().getName());
    own.getMethods().forEach(method -> all.addMethod(planted(method)));
    return all.build();
  }

  private <Q, A> ServerMethodDefinition<Q, A> planted(ServerMethodDefinition<Q, A> method) {
    return ServerMethodDefinition.create(
        planted(method.getMethodDescriptor(), Place.SERVER_WRITES, Place.SERVER_READS),
        method.getServerCallHandler());
  }

  private CallOptions options(Place place) {
    Executor executor =
        task -> {
          reach(Place.CALLER_EXECUTOR);
          task.run();
        };
    CallOptions options =
        CallOptions.DEFAULT
            .withStreamTracerFactory(
                new ClientStreamTracer.Factory() {
                  @Override
                  public ClientStreamTracer newClientStreamTracer(
                      ClientStreamTracer.StreamInfo info, Metadata headers) {
                    reach(Place.TRACER);
                    return new ClientStreamTracer() {};
                  }
                })
            .withCallCredentials(
                new CallCredentials() {
                  @Override
                  public void applyRequestMetadata(
                      RequestInfo info, Executor on, MetadataApplier to) {
                    reach(Place.CREDENTIALS);
                    to.apply(new Metadata());
                  }
                });
    boolean isTimed =
        place == Place.INTERCEPTOR_ON_CLOSE
            || place == Place.CALLER_EXECUTOR
            || place == Place.TRANSACTION_HANGS;
    if (place == Place.CALLER_EXECUTOR) {
      options = options.withExecutor(executor);
    }
    return isTimed && armed != null
        ? options.withDeadlineAfter(300, TimeUnit.MILLISECONDS)
        : options;
  }

  /** Makes a call as a stub does, and returns its end. */
  private <Q, A> Status end(Place place, MethodDescriptor<Q, A> method, Q request)
      throws Exception {
    ClientCall<Q, A> call =
        channel.newCall(planted(method, Place.CLIENT_WRITES, Place.CLIENT_READS), options(place));
    CompletableFuture<Status> end = new CompletableFuture<>();
    // Otherwise the call may end before gRPC says that it is ready.
    AtomicBoolean endsWhenReady = new AtomicBoolean(place == Place.CALLER_ON_READY);
    ClientCall.Listener<A> listener =
        new ClientCall.Listener<>() {
          @Override
          public void onHeaders(Metadata headers) {
            reach(Place.CALLER_ON_HEADERS);
          }

          @Override
          public void onMessage(A message) {
            reach(Place.CALLER_ON_MESSAGE);
            if (armed == Place.STREAM_ON_CANCEL) {
              call.cancel("enough", null);
            }
          }

          @Override
          public void onReady() {
            reach(Place.CALLER_ON_READY);
            if (endsWhenReady.getAndSet(false)) {
              call.halfClose();
            }
          }

          @Override
          public void onClose(Status status, Metadata trailers) {
            end.complete(status);
            reach(Place.CALLER_ON_CLOSE);
          }
        };
    try {
      call.start(listener, new Metadata());
      call.request(10);
      call.sendMessage(request);
      if (place != Place.CALLER_ON_READY) {
        call.halfClose();
      }
      if (armed == Place.INTERCEPTOR_CANCEL) {
        call.cancel("enough", null);
      }
    } catch (Throwable e) {
      call.cancel("the stub failed", e);
    }
    return end.get(10, TimeUnit.SECONDS);
  }

  private Status end(Place place) throws Exception {
    String name = place.name();
    if (place == Place.STORE || place == Place.CALLER_NAME) {
      return end(place, StockGrpc.getSetLevelMethod(), Level.getDefaultInstance());
    } else if (name.startsWith("TRANSACTION")) {
      return end(place, StockGrpc.getLevelOfMethod(), LevelRequest.getDefaultInstance());
    } else if (name.startsWith("STREAM")) {
      return end(place, StockGrpc.getWatchMethod(), LevelRequest.getDefaultInstance());
    } else if (name.startsWith("UPLOAD")) {
      return end(place, StockGrpc.getUploadMethod(), Level.getDefaultInstance());
    } else if (name.startsWith("TALK") || place == Place.CALLER_ON_READY) {
      return end(place, StockGrpc.getTalkMethod(), Level.getDefaultInstance());
    }
    return end(place, StockGrpc.getReserveMethod(), ReserveRequest.getDefaultInstance());
  }

  /** Whether the failure comes after the end of the call, or with a cancel of the caller's own. */
  private static boolean isUnseen(Place place) {
    return switch (place) {
      case INTERCEPTOR_CANCEL,
          CALLER_ON_CLOSE,
          LIMITER_END,
          STREAM_ON_CANCEL,
          STREAM_ON_CLOSE,
          OBSERVER_ON_CALL,
          OBSERVER_ON_ATTEMPT ->
          true;
      default -> false;
    };
  }

  private void awaitFree(String when) {
    Await.until("all is free " + when, Duration.ofSeconds(10), this::isAllFree);
  }

  private boolean isAllFree() {
    return fixture.resilience.guard("stock").inFlight() == 0
        && server.health().details().get("inFlight").equals("0");
  }

  @ParameterizedTest
  @EnumSource(Place.class)
  void aFailureEndsItsCallWithACodeAndTheNextCallWorks(Place place) throws Exception {
    serve();
    assertThat(end(place).isOk()).isTrue();
    for (Throwable each : FAILURES) {
      awaitFree("before " + each + " in " + place);
      failure = each;
      armed = place;
      Status status = end(place);
      if (!isUnseen(place)) {
        assertThat(status.isOk()).as("%s in %s", each, place).isFalse();
        assertThat(status.getDescription()).as("%s in %s", each, place).startsWith("COMMS-");
      }
      awaitFree("after " + each + " in " + place);
      Await.until(place + " was reached with " + each, () -> reached.contains(each));
      assertThat(seenByHandler).as("what answering throws to the handler").isNull();
      armed = null;
      int before = observed.get();
      Status next = end(place);
      assertThat(next.isOk()).as("after %s in %s: %s", each, place, next).isTrue();
      Await.until("calls are observed after " + each, () -> observed.get() > before);
    }
  }

  /** Its message can't be read, and with it neither its text nor its translation. */
  private static final class UnreadableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    @Override
    public String getMessage() {
      throw new IllegalStateException("planted");
    }

    @Override
    public synchronized Throwable getCause() {
      throw new IllegalStateException("planted");
    }
  }

  @Test
  void aFailureOfAHandlerWhoseOwnMethodsFailEndsItsCallToo() throws Exception {
    serve();
    failure = new UnreadableException();
    armed = Place.UNARY_HANDLER;
    Status status = end(Place.UNARY_HANDLER);
    assertThat(status.getCode()).isEqualTo(Status.Code.INTERNAL);
    assertThat(status.getDescription()).startsWith("COMMS-GRPC-106");
    awaitFree("after it");
    armed = null;
    assertThat(end(Place.UNARY_HANDLER).isOk()).isTrue();
  }

  @Test
  void aTestOfASubsetThatFailsLeavesItsBackendsOut() throws Exception {
    serve();
    for (Throwable each : FAILURES) {
      channel =
          fixture.built(
              GrpcCalls.builder(fixture.resilience, "stock")
                  .subset(
                      "canary",
                      address -> {
                        GrpcUserCodeTest.<RuntimeException>thrown(each);
                        return true;
                      })
                  .protect(GrpcFixture.builder(server.port())));
      assertThat(end(Place.UNARY_HANDLER).isOk()).isTrue();
      awaitFree("after " + each);
    }
  }
}
