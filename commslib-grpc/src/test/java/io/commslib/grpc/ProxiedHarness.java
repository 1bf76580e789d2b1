package io.commslib.grpc;

import io.commslib.testkit.call.ProxyFaults;
import io.commslib.testkit.call.RemoteScript;
import io.commslib.testkit.call.RemoteStep;
import io.commslib.testkit.call.RemoteStep.Kind;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.commslib.testkit.faults.TcpFaultProxy.Direction;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.MethodDescriptor;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetSocketAddress;

/** A proxy before the server breaks the connections. */
final class ProxiedHarness extends GrpcHarness {

  private static final int PART = 4_096;

  private final Object lock = new Object();
  private final GrpcServer server;
  private final TcpFaultProxy proxy;
  private boolean isFaulty;

  ProxiedHarness(GrpcSabotage sabotage) throws IOException {
    super(sabotage);
    server = listen(Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create()));
    proxy = TcpFaultProxy.to(new InetSocketAddress("127.0.0.1", server.port()));
    connect(proxy.port());
  }

  /** Ends the fault of the attempt before, and begins that of the next one if it is of the line. */
  @Override
  <Q, A> MethodDescriptor<Q, A> prepare(MethodDescriptor<Q, A> called, RemoteStep next) {
    boolean wasFaulty;
    synchronized (lock) {
      wasFaulty = isFaulty;
      isFaulty = RemoteScript.isOnTheWay(next);
    }
    if (wasFaulty) {
      // Nothing connects meanwhile, so that the connection that is ready afterwards is a new one.
      proxy.refuse();
      proxy.cut();
      awaitState(false);
      proxy.heal();
      awaitState(true);
    }
    if (next.kind() == Kind.REFUSE) {
      // In this order: the channel connects again as soon as it is cut.
      proxy.refuse();
      proxy.cut();
      awaitState(false);
    } else if (next.kind() == Kind.LOSE) {
      awaitState(true);
      proxy.blackHole(Direction.TO_SERVER);
    }
    return called;
  }

  @Override
  void breaks(Kind kind, StreamObserver<byte[]> to) {
    synchronized (lock) {
      isFaulty = true;
    }
    ProxyFaults.afterTheRequest(proxy, kind, PART);
  }

  /** The line ends it within its content. */
  @Override
  void answersBroken(Kind kind, StreamObserver<byte[]> to) {
    RemoteStock.answer(to, new byte[MAX_ANSWER]);
  }

  @Override
  public int connections() {
    return proxy.accepted();
  }

  @Override
  void closeLine() {
    proxy.close();
    server.close();
  }
}
