package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.SendCertainty;
import io.commslib.grpc.proto.Level;
import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.Reservation;
import io.commslib.grpc.proto.ReserveRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.commslib.testkit.Await;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What gRPC repeats by itself, because no server has seen it; and servers that leave. */
class TransparentRetryTest {

  private final GrpcFixture fixture = new GrpcFixture();

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  private StockGrpc.StockBlockingStub stub(GrpcCalls.Builder calls, int port) {
    return StockGrpc.newBlockingStub(fixture.built(calls.protect(GrpcFixture.builder(port))));
  }

  @Test
  void refusedStreamsAreRepeatedOnce() throws Exception {
    AtomicInteger begun = new AtomicInteger();
    RawHttp2Server server =
        fixture.add(
            new RawHttp2Server(
                (connection, stream, to) -> {
                  if (begun.incrementAndGet() == 1) {
                    to.refuse(stream);
                  } else {
                    to.answer(stream);
                  }
                }));
    GrpcCalls.Builder calls = GrpcCalls.builder(fixture.resilience, "stock");
    assertThat(stub(calls, server.port()).reserve(ReserveRequest.getDefaultInstance()))
        .isEqualTo(Reservation.getDefaultInstance());
    assertThat(begun).hasValue(2);
    assertThat(calls.transparentRetries()).isEqualTo(1);

    RawHttp2Server refusing =
        fixture.add(
            new RawHttp2Server(
                (connection, stream, to) -> {
                  begun.incrementAndGet();
                  to.refuse(stream);
                }));
    begun.set(0);
    GrpcCalls.Builder refused = GrpcCalls.builder(fixture.resilience, "refusing");
    StatusRuntimeException failure =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () -> stub(refused, refusing.port()).reserve(ReserveRequest.getDefaultInstance()));
    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(GrpcCalls.outcome(failure).certainty()).isEqualTo(SendCertainty.MAYBE_SENT);
    // Once by gRPC; the second refusal is one that a server may have seen, so it is not repeated.
    assertThat(begun).hasValue(2);
    assertThat(refused.transparentRetries()).isEqualTo(1);
  }

  @Test
  void streamsAboveAGoAwayAreRepeatedElsewhere() throws Exception {
    RawHttp2Server server =
        fixture.add(
            new RawHttp2Server(
                (connection, stream, to) -> {
                  if (connection == 1) {
                    to.goAway(0);
                  } else {
                    to.answer(stream);
                  }
                }));
    GrpcCalls.Builder calls = GrpcCalls.builder(fixture.resilience, "stock");
    stub(calls, server.port()).reserve(ReserveRequest.getDefaultInstance());
    assertThat(server.answered).hasSize(1);
    assertThat(calls.transparentRetries()).isEqualTo(1);
  }

  @Test
  void goAwayLosesAndDoublesNothing() throws Exception {
    RemoteStock stock = new RemoteStock();
    GrpcServer server =
        fixture.server(stock, settings -> settings.maxConnectionAge(Duration.ofSeconds(1)));
    StockGrpc.StockBlockingStub stub = StockGrpc.newBlockingStub(fixture.channel(server.port()));
    AtomicReference<Throwable> failure = new AtomicReference<>();
    AtomicInteger made = new AtomicInteger();
    long end = System.nanoTime() + Duration.ofMillis(2_600).toNanos();
    run(
        () -> {
          while (System.nanoTime() < end && failure.get() == null) {
            String order = "order-" + made.incrementAndGet();
            try {
              stub.reserve(ReserveRequest.newBuilder().setOrder(order).build());
            } catch (RuntimeException e) {
              failure.compareAndSet(null, e);
            }
          }
        });
    assertThat(failure.get()).isNull();
    assertThat(stock.effects.stream().map(ReserveRequest::getOrder)).doesNotHaveDuplicates();
    assertThat(stock.effects).hasSize(made.get());
    assertThat(made.get()).isGreaterThan(20);
    assertThat(stock.connections).as("connections").hasSizeGreaterThan(1);
  }

  @Test
  void drainFailsNoCall() throws Exception {
    RemoteStock first = new RemoteStock();
    RemoteStock second = new RemoteStock();
    GrpcServer leaving =
        fixture.server(
            first, settings -> settings.name("first").drainDelay(Duration.ofMillis(300)));
    GrpcServer staying = fixture.server(second, settings -> settings.name("second"));
    StaticResolver names = fixture.add(new StaticResolver(leaving.port(), staying.port()));
    ManagedChannel channel = fixture.built(protect(names));
    StockGrpc.StockBlockingStub stub = StockGrpc.newBlockingStub(channel);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    AtomicInteger made = new AtomicInteger();
    AtomicBoolean isOver = new AtomicBoolean();
    List<Thread> callers =
        start(
            () -> {
              while (!isOver.get() && failure.get() == null) {
                String order = "order-" + made.incrementAndGet();
                try {
                  stub.reserve(ReserveRequest.newBuilder().setOrder(order).build());
                } catch (RuntimeException e) {
                  failure.compareAndSet(null, e);
                }
              }
            });
    Await.until("the first server works", () -> first.effects.size() > 100);
    assertThat(leaving.drain(Duration.ofSeconds(10))).isTrue();
    leaving.close();
    int before = second.effects.size();
    Await.until(
        "the second server works",
        () -> second.effects.size() > before + 100 || failure.get() != null);
    isOver.set(true);
    for (Thread caller : callers) {
      caller.join();
    }
    assertThat(failure.get()).isNull();
    assertThat(first.effects.size() + second.effects.size()).isEqualTo(made.get());
  }

  private ManagedChannelBuilder<?> protect(StaticResolver names) {
    return GrpcCalls.protect(
        Grpc.newChannelBuilder(names.target(), InsecureChannelCredentials.create()),
        fixture.resilience,
        "stock");
  }

  private static void run(Runnable caller) throws InterruptedException {
    for (Thread thread : start(caller)) {
      thread.join();
    }
  }

  private static List<Thread> start(Runnable caller) {
    List<Thread> callers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Thread thread = new Thread(caller);
      thread.start();
      callers.add(thread);
    }
    return callers;
  }

  @Test
  void aStreamOfOneConnectionsAgeEndsNormally() throws Exception {
    RemoteStock stock = new RemoteStock();
    GrpcServer server =
        fixture.server(stock, settings -> settings.maxConnectionAge(Duration.ofSeconds(1)));
    StockGrpc.StockBlockingStub stub = StockGrpc.newBlockingStub(fixture.channel(server.port()));
    CountDownLatch over = new CountDownLatch(1);
    stock.watch =
        (arrival, request, to) -> {
          to.onNext(Level.newBuilder().setCount(1).build());
          over.await();
          to.onNext(Level.newBuilder().setCount(2).build());
          to.onCompleted();
        };
    Iterator<Level> levels = stub.watch(LevelRequest.getDefaultInstance());
    assertThat(levels.next().getCount()).isEqualTo(1);
    Await.until(
        "the next call has another connection",
        () -> {
          stub.reserve(ReserveRequest.getDefaultInstance());
          return stock.connections.size() == 2;
        });
    over.countDown();
    assertThat(levels.next().getCount()).isEqualTo(2);
    assertThat(levels.hasNext()).isFalse();
  }
}
