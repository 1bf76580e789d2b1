package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.RetryBudgetConfig;
import io.commslib.grpc.proto.Reservation;
import io.commslib.grpc.proto.ReserveRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.commslib.idempotency.InMemoryIdempotencyStore;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Effects under many faults. */
class FaultsTest {

  private static final int CALLS = 10_000;
  private static final int CALLERS = 8;
  private static final long SEED = 20_261_130;

  private final GrpcFixture fixture = new GrpcFixture();

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  private static CallPolicy.Builder patient() {
    return GrpcFixture.policy(Duration.ofSeconds(5))
        .without(CallPolicy.Part.BREAKER)
        .budget(new RetryBudgetConfig(100, 1_000, Duration.ofSeconds(10)));
  }

  /** Half of the calls are refused before their handler, or lose their answer after it. */
  private static final class Faults implements ServerInterceptor {
    private final Random random = new Random(SEED);
    private final AtomicInteger lost = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();

    private synchronized int next() {
      return random.nextInt(4);
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      int fault = next();
      if (fault == 0) {
        refused.incrementAndGet();
        call.close(Status.UNAVAILABLE, new Metadata());
        return new ServerCall.Listener<>() {};
      }
      return fault == 1 ? next.startCall(losing(call), headers) : next.startCall(call, headers);
    }

    private <Q, A> ServerCall<Q, A> losing(ServerCall<Q, A> call) {
      lost.incrementAndGet();
      return new SimpleForwardingServerCall<>(call) {
        @Override
        public void sendHeaders(Metadata headers) {}

        @Override
        public void sendMessage(A message) {}

        @Override
        public void close(Status status, Metadata trailers) {
          super.close(Status.UNAVAILABLE, new Metadata());
        }
      };
    }
  }

  @Test
  void faultsDoubleNoEffectAndKeysHaveOneEach() throws Exception {
    fixture.resilience.guard("stock").replacePolicy(patient().build());
    Faults faults = new Faults();
    RemoteStock stock = new RemoteStock();
    Map<String, AtomicInteger> effects = new ConcurrentHashMap<>();
    stock.reserve =
        (arrival, request, to) -> {
          effects
              .computeIfAbsent(request.getOrder(), order -> new AtomicInteger())
              .incrementAndGet();
          RemoteStock.answer(
              to,
              Reservation.newBuilder().setId(request.getOrder()).setNumber(effects.size()).build());
        };
    GrpcServer plain = serve(stock, faults, settings -> {});
    StockGrpc.StockBlockingStub once = StockGrpc.newBlockingStub(fixture.channel(plain.port()));
    AtomicInteger succeeded = new AtomicInteger();
    callers(
        number -> {
          try {
            once.reserve(order("once-" + number));
            succeeded.incrementAndGet();
          } catch (RuntimeException e) {
            // A write that may have been sent is not repeated.
          }
        });
    assertThat(effects.values()).allSatisfy(count -> assertThat(count).hasValue(1));
    assertThat(succeeded.get()).isBetween(CALLS * 45 / 100, CALLS * 55 / 100);
    assertThat(faults.lost.get()).isGreaterThan(CALLS / 5);

    effects.clear();
    GrpcServer keyed =
        serve(
            stock,
            faults,
            settings ->
                settings
                    .retryAfter(Duration.ofMillis(5))
                    .idempotency(
                        StockGrpc.getReserveMethod(),
                        InMemoryIdempotencyStore.create(
                            fixture.runtime.time(), Duration.ofHours(1), 2 * CALLS)));
    StockGrpc.StockBlockingStub repeated =
        StockGrpc.newBlockingStub(
            fixture.channel(
                keyed.port(), settings -> settings.keyed(StockGrpc.getReserveMethod())));
    AtomicInteger answered = new AtomicInteger();
    callers(
        number -> {
          try {
            assertThat(repeated.reserve(order("keyed-" + number)).getId())
                .isEqualTo("keyed-" + number);
            answered.incrementAndGet();
          } catch (StatusRuntimeException e) {
            // Three faults in a row.
          }
        });
    assertThat(effects.values()).allSatisfy(count -> assertThat(count).hasValue(1));
    // Three attempts of which each fails with 1/2.
    assertThat(answered.get()).isBetween(CALLS * 84 / 100, CALLS * 91 / 100);
  }

  private static ReserveRequest order(String order) {
    return ReserveRequest.newBuilder().setOrder(order).build();
  }

  private GrpcServer serve(
      RemoteStock stock, Faults faults, Consumer<GrpcServer.Builder> settings) {
    GrpcServer.Builder builder =
        GrpcServer.builder(
                Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                    .intercept(faults),
                fixture.resilience)
            .service(stock);
    settings.accept(builder);
    GrpcServer server = fixture.add(new Closing(builder.build())).server;
    server.start();
    return server;
  }

  private record Closing(GrpcServer server) implements AutoCloseable {
    @Override
    public void close() {
      server.close();
    }
  }

  private static void callers(IntConsumer call) throws InterruptedException {
    AtomicInteger number = new AtomicInteger();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Thread> callers = new ArrayList<>();
    for (int i = 0; i < CALLERS; i++) {
      Thread caller =
          new Thread(
              () -> {
                int next = number.incrementAndGet();
                while (next <= CALLS && failure.get() == null) {
                  try {
                    call.accept(next);
                  } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                  }
                  next = number.incrementAndGet();
                }
              });
      caller.start();
      callers.add(caller);
    }
    for (Thread caller : callers) {
      caller.join();
    }
    assertThat(failure.get()).isNull();
  }
}
