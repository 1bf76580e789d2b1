package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallException;
import io.commslib.core.call.Idempotency;
import io.commslib.grpc.proto.Level;
import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whom the interrupt of a call reaches. */
class HandlerInterruptTest {

  private final GrpcFixture fixture = new GrpcFixture();

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  @Test
  void theInterruptOfAHandlerIsNotLostWithThatOfItsOwnCall() throws Exception {
    RemoteStock stock = new RemoteStock();
    CompletableFuture<String> end = new CompletableFuture<>();
    stock.levelOf =
        (arrival, request, to) -> {
          CountDownLatch stopped = new CountDownLatch(1);
          // After that of the server, which interrupts.
          Context.current().addListener(ended -> stopped.countDown(), Runnable::run);
          try {
            fixture
                .resilience
                .guard("database")
                .operation("read", Idempotency.NON_IDEMPOTENT)
                .call(attempt -> overrun(stopped));
          } catch (CallException e) {
            // Both have the deadline of the caller.
          }
          try {
            new CountDownLatch(1).await(5, TimeUnit.SECONDS);
            end.complete("not interrupted");
          } catch (InterruptedException e) {
            end.complete("interrupted");
          }
        };
    GrpcServer server = fixture.server(stock, settings -> settings);
    CompletableFuture.runAsync(
        () ->
            StockGrpc.newBlockingStub(fixture.bare(server.port()))
                .withDeadlineAfter(200, TimeUnit.MILLISECONDS)
                .levelOf(LevelRequest.getDefaultInstance()));
    assertThat(end.get(10, TimeUnit.SECONDS)).isEqualTo("interrupted");
  }

  /** One that has returned may answer later, on a thread of its own. */
  @Test
  void theInterruptOfACallDoesNotReachAnotherHandlerOnItsThread() throws Exception {
    ExecutorService threads = fixture.add(new Threads()).pool;
    CompletableFuture<Thread> first = new CompletableFuture<>();
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch cancelled = new CountDownLatch(1);
    RemoteStock stock = new RemoteStock();
    stock.levelOf =
        (arrival, request, to) -> {
          // After that of the server, which interrupts.
          Context.current().addListener(ended -> cancelled.countDown(), Runnable::run);
          first.complete(Thread.currentThread());
        };
    stock.setLevel =
        (arrival, request, to) -> {
          begun.countDown();
          boolean isOnSame = Thread.currentThread() == first.join();
          try {
            assertThat(cancelled.await(10, TimeUnit.SECONDS)).isTrue();
            RemoteStock.answer(
                to, Level.newBuilder().setItem(isOnSame ? "not interrupted" : "").build());
          } catch (InterruptedException e) {
            RemoteStock.answer(to, Level.newBuilder().setItem("interrupted").build());
          }
        };
    GrpcServer server =
        GrpcServer.builder(
                Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                    .executor(threads),
                fixture.resilience)
            .drainDelay(Duration.ZERO)
            .service(stock.recorded())
            .build();
    fixture.add(server::close);
    server.start();
    StockGrpc.StockFutureStub stub = StockGrpc.newFutureStub(fixture.bare(server.port()));
    Future<Level> returned = stub.levelOf(LevelRequest.getDefaultInstance());
    Thread thread = first.get(10, TimeUnit.SECONDS);
    CountDownLatch over = new CountDownLatch(1);
    keepOthers(threads, thread, over);
    Future<Level> second = stub.setLevel(Level.getDefaultInstance());
    assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
    over.countDown();
    returned.cancel(true);
    assertThat(second.get(10, TimeUnit.SECONDS).getItem()).isEqualTo("not interrupted");
  }

  /** Two threads for handlers. */
  private static final class Threads implements AutoCloseable {
    private final ExecutorService pool = Executors.newFixedThreadPool(2);

    @Override
    public void close() {
      pool.shutdownNow();
    }
  }

  /** Keeps the other thread until the latch opens, so that the next handler gets the one given. */
  private static void keepOthers(ExecutorService threads, Thread free, CountDownLatch over)
      throws Exception {
    boolean isKept = false;
    while (!isKept) {
      CompletableFuture<Boolean> kept = new CompletableFuture<>();
      threads.execute(
          () -> {
            boolean isOther = Thread.currentThread() != free;
            kept.complete(isOther);
            try {
              if (isOther) {
                over.await();
              }
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
      isKept = kept.get(10, TimeUnit.SECONDS);
    }
  }

  /** Returns when both have been interrupted, and no earlier. */
  private static String overrun(CountDownLatch stopped) {
    boolean isStopped = false;
    while (!isStopped) {
      try {
        isStopped = stopped.await(10, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.onSpinWait();
      }
    }
    try {
      new CountDownLatch(1).await(200, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.onSpinWait();
    }
    return "too late";
  }
}
