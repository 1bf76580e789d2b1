package io.commslib.grpc;

import io.commslib.core.time.SystemRuntime;
import io.commslib.grpc.proto.Level;
import io.commslib.resilience.Resilience;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** A server of the library in a process of its own, whose answers name their port. */
final class StockMain {

  private StockMain() {}

  public static void main(String[] arguments) throws Exception {
    int port = Integer.parseInt(arguments[0]);
    RemoteStock stock = new RemoteStock();
    stock.levelOf =
        (arrival, request, to) -> RemoteStock.answer(to, Level.newBuilder().setCount(port).build());
    SystemRuntime runtime = SystemRuntime.create();
    GrpcServer server =
        GrpcServer.builder(
                Grpc.newServerBuilderForPort(port, InsecureServerCredentials.create()),
                Resilience.create(runtime))
            .service(stock)
            .drainDelay(Duration.ZERO)
            .build();
    server.start();
    System.out.println("listens");
    // It is killed.
    new CountDownLatch(1).await();
  }
}
