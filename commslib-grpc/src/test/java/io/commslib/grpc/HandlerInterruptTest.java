package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallException;
import io.commslib.core.call.Idempotency;
import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.grpc.Context;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Interrupts of a handler whose own calls are interrupted at the same time. */
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
