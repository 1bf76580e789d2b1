package io.commslib.grpc;

import io.commslib.core.CommsException;
import io.commslib.testkit.call.RemoteStep;
import io.commslib.testkit.call.RemoteStep.Kind;
import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.MethodDescriptor;
import io.grpc.ServerTransportFilter;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Nothing is between channel and server: the server itself ends, is silent or answers in part. It
 * listens on the same port again before the next attempt.
 */
final class DirectHarness extends GrpcHarness {

  private static final int TRIES = 400;

  private final AtomicInteger connections = new AtomicInteger();
  private final Object lock = new Object();
  private final int port;
  private GrpcServer server;
  private boolean isDown;

  DirectHarness(GrpcSabotage sabotage) {
    super(sabotage);
    server = listenOn(0);
    port = server.port();
    connect(port);
  }

  private GrpcServer listenOn(int wanted) {
    return listen(
        Grpc.newServerBuilderForPort(wanted, InsecureServerCredentials.create())
            .addTransportFilter(
                new ServerTransportFilter() {
                  @Override
                  public Attributes transportReady(Attributes transport) {
                    connections.incrementAndGet();
                    return transport;
                  }
                }));
  }

  /** The port of a server that has been closed is free a moment later. */
  private GrpcServer listenAgain() {
    for (int i = 1; ; i++) {
      try {
        return listenOn(port);
      } catch (CommsException e) {
        if (i == TRIES) {
          throw e;
        }
        pause(Duration.ofMillis(5));
      }
    }
  }

  @Override
  <Q, A> MethodDescriptor<Q, A> prepare(MethodDescriptor<Q, A> called, RemoteStep next) {
    if (next.kind() == Kind.REFUSE) {
      kill();
      awaitState(false);
      return called;
    }
    synchronized (lock) {
      if (isDown) {
        awaitState(false);
        server = listenAgain();
        isDown = false;
        awaitState(true);
      }
    }
    return switch (next.kind()) {
      case LOSE -> called.toBuilder().setFullMethodName(lost()).build();
      case CUT, STALL -> inParts(called);
      default -> called;
    };
  }

  private void kill() {
    synchronized (lock) {
      server.close();
      isDown = true;
    }
  }

  @Override
  void breaks(Kind kind, StreamObserver<byte[]> to) {
    if (kind == Kind.RESET) {
      kill();
    }
  }

  /** Headers and a message leave, and no end. */
  @Override
  void answersBroken(Kind kind, StreamObserver<byte[]> to) {
    if (kind == Kind.CUT || kind == Kind.STALL) {
      to.onNext(new byte[MAX_ANSWER]);
    }
    if (kind == Kind.CUT) {
      kill();
    }
  }

  @Override
  public int connections() {
    return connections.get();
  }

  @Override
  void closeLine() {
    kill();
  }
}
