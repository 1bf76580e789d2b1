package io.commslib.grpc;

import io.commslib.grpc.proto.Level;
import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.Reservation;
import io.commslib.grpc.proto.ReserveRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Deadline;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.SocketAddress;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A bare server of gRPC whose answers a test scripts by the number of the arrived call. */
final class RemoteStock extends StockGrpc.StockImplBase implements AutoCloseable {

  /** A call that has arrived. */
  record Arrival(int number, String method, Metadata headers, long millisLeft) {
    String header(Metadata.Key<String> key) {
      String value = headers.get(key);
      return value == null ? "" : value;
    }
  }

  /** Answers the calls of one operation. */
  interface Script<Q, A> {
    void answer(Arrival arrival, Q request, StreamObserver<A> to) throws Exception;
  }

  private static final Context.Key<Arrival> ARRIVAL = Context.key("arrival");

  final List<Arrival> arrivals = new CopyOnWriteArrayList<>();
  final List<ReserveRequest> effects = new CopyOnWriteArrayList<>();

  /** The addresses of the callers, one for each connection. */
  final Set<SocketAddress> connections = ConcurrentHashMap.newKeySet();

  private @Nullable Server server;

  volatile Script<LevelRequest, Level> levelOf =
      (arrival, request, to) -> answer(to, Level.newBuilder().setItem(request.getItem()).build());
  volatile Script<Level, Level> setLevel = (arrival, request, to) -> answer(to, request);
  volatile Script<ReserveRequest, Reservation> reserve =
      (arrival, request, to) -> answer(to, Reservation.newBuilder().setId("r").build());
  volatile Script<LevelRequest, Level> watch =
      (arrival, request, to) -> {
        for (int i = 1; i <= 3; i++) {
          to.onNext(Level.newBuilder().setCount(i).build());
        }
        to.onCompleted();
      };
  volatile Function<StreamObserver<Level>, StreamObserver<Level>> upload = to -> counting(to);
  volatile Function<StreamObserver<Level>, StreamObserver<Level>> talk = to -> echoing(to);

  /** Listens without any code of the library. */
  RemoteStock listen(int port) throws IOException {
    server =
        Grpc.newServerBuilderForPort(port, InsecureServerCredentials.create())
            .addService(recorded())
            .build()
            .start();
    return this;
  }

  /** The service for a server of the test. */
  ServerServiceDefinition recorded() {
    return ServerInterceptors.intercept(this, new Recorder());
  }

  static <A> void answer(StreamObserver<A> to, A answer) {
    to.onNext(answer);
    to.onCompleted();
  }

  static void fail(StreamObserver<?> to, Status.Code code) {
    to.onError(code.toStatus().withDescription("scripted").asRuntimeException());
  }

  int port() {
    return server.getPort();
  }

  private final class Recorder implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      connections.add(call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR));
      Deadline deadline = Context.current().getDeadline();
      Arrival arrival;
      synchronized (arrivals) {
        arrival =
            new Arrival(
                arrivals.size() + 1,
                call.getMethodDescriptor().getBareMethodName(),
                headers,
                deadline == null ? -1 : deadline.timeRemaining(TimeUnit.MILLISECONDS));
        arrivals.add(arrival);
      }
      return Contexts.interceptCall(
          Context.current().withValue(ARRIVAL, arrival), call, headers, next);
    }
  }

  private static <Q, A> void run(Script<Q, A> script, Q request, StreamObserver<A> to) {
    try {
      script.answer(ARRIVAL.get(), request, to);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void levelOf(LevelRequest request, StreamObserver<Level> to) {
    run(levelOf, request, to);
  }

  @Override
  public void setLevel(Level request, StreamObserver<Level> to) {
    run(setLevel, request, to);
  }

  @Override
  public void reserve(ReserveRequest request, StreamObserver<Reservation> to) {
    effects.add(request);
    run(reserve, request, to);
  }

  @Override
  public void watch(LevelRequest request, StreamObserver<Level> to) {
    run(watch, request, to);
  }

  @Override
  public StreamObserver<Level> upload(StreamObserver<Level> to) {
    return upload.apply(to);
  }

  @Override
  public StreamObserver<Level> talk(StreamObserver<Level> to) {
    return talk.apply(to);
  }

  private static StreamObserver<Level> counting(StreamObserver<Level> to) {
    return new StreamObserver<>() {
      private int count;

      @Override
      public void onNext(Level value) {
        count++;
      }

      @Override
      public void onError(Throwable failure) {}

      @Override
      public void onCompleted() {
        answer(to, Level.newBuilder().setCount(count).build());
      }
    };
  }

  private static StreamObserver<Level> echoing(StreamObserver<Level> to) {
    return new StreamObserver<>() {
      @Override
      public void onNext(Level value) {
        to.onNext(value);
      }

      @Override
      public void onError(Throwable failure) {
        if (to instanceof ServerCallStreamObserver<?> call && call.isCancelled()) {
          return;
        }
        to.onError(failure);
      }

      @Override
      public void onCompleted() {
        to.onCompleted();
      }
    };
  }

  @Override
  public void close() {
    if (server != null) {
      server.shutdownNow();
    }
  }
}
