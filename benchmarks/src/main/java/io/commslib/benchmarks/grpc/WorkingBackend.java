package io.commslib.benchmarks.grpc;

import io.commslib.core.time.CommsRuntime;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/** A server with some workers, each of which waits for a time and then returns what it got. */
final class WorkingBackend implements AutoCloseable {

  private final CommsRuntime runtime;
  private final Duration work;
  private final ExecutorService workers;
  private final Server server;
  final AtomicLong served = new AtomicLong();

  WorkingBackend(CommsRuntime runtime, int workers, Duration work) throws IOException {
    this.runtime = runtime;
    this.work = work;
    this.workers = Executors.newFixedThreadPool(workers);
    this.server =
        Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
            .executor(this.workers)
            .addService(
                ServerServiceDefinition.builder("benchmark.Echo")
                    .addMethod(EchoServer.ECHO, ServerCalls.asyncUnaryCall(this::answer))
                    .build())
            .build()
            .start();
  }

  private void answer(byte[] request, StreamObserver<byte[]> to) {
    try {
      if (!work.isZero()) {
        runtime.pause(work);
      }
      served.incrementAndGet();
      to.onNext(request);
      to.onCompleted();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  int port() {
    return server.getPort();
  }

  @Override
  public void close() {
    server.shutdownNow();
    workers.shutdownNow();
  }
}
