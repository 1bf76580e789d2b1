package io.commslib.benchmarks.grpc;

import io.commslib.benchmarks.measure.ProcessorTime;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** Calls of 1 KiB with a deadline, each begun when another one has ended. */
final class UnaryLoad {

  static final byte[] BODY = new byte[1_024];

  private UnaryLoad() {}

  static CallOptions options() {
    return CallOptions.DEFAULT.withDeadlineAfter(5, TimeUnit.SECONDS);
  }

  /** Measures calls per second; one in flight is made by a blocking stub. */
  static Callable<Double> measure(Channel channel, int inFlight, int calls, ProcessorTime time) {
    return () -> {
      time.begin();
      long start = System.nanoTime();
      if (inFlight == 1) {
        for (int i = 0; i < calls; i++) {
          check(ClientCalls.blockingUnaryCall(channel, EchoServer.ECHO, options(), BODY));
        }
      } else {
        new Asynchronous(channel, calls).run(inFlight);
      }
      double perSecond = calls * 1e9 / (System.nanoTime() - start);
      time.end(calls);
      return perSecond;
    };
  }

  private static void check(byte[] body) {
    if (body.length != BODY.length) {
      throw new IllegalStateException("body: " + body.length + " (expected: " + BODY.length + ")");
    }
  }

  private static final class Asynchronous {
    private final Channel channel;
    private final AtomicInteger left;
    private final CountDownLatch open;
    private final AtomicReference<Throwable> failure = new AtomicReference<>();

    Asynchronous(Channel channel, int calls) {
      this.channel = channel;
      this.left = new AtomicInteger(calls);
      this.open = new CountDownLatch(calls);
    }

    void run(int inFlight) throws Exception {
      for (int i = 0; i < inFlight; i++) {
        next();
      }
      if (!open.await(120, TimeUnit.SECONDS) || failure.get() != null) {
        throw new IllegalStateException("calls: not all answered", failure.get());
      }
    }

    private void next() {
      if (left.getAndDecrement() <= 0) {
        return;
      }
      ClientCalls.asyncUnaryCall(
          channel.newCall(EchoServer.ECHO, options()),
          BODY,
          new StreamObserver<byte[]>() {
            @Override
            public void onNext(byte[] value) {
              check(value);
            }

            @Override
            public void onError(Throwable thrown) {
              failure.compareAndSet(null, thrown);
              ended();
            }

            @Override
            public void onCompleted() {
              ended();
            }
          });
    }

    private void ended() {
      open.countDown();
      next();
    }
  }
}
