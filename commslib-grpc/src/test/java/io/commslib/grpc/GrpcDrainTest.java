package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Streams of gRPC's own services, which last until the server ends. */
class GrpcDrainTest {

  private final GrpcFixture fixture = new GrpcFixture();

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  /** Messages, then the status at the end. */
  private static final class Seen<A> implements StreamObserver<A> {
    private final BlockingQueue<Object> all = new LinkedBlockingQueue<>();

    @Override
    public void onNext(A value) {
      all.add(value);
    }

    @Override
    public void onError(Throwable failure) {
      all.add(Status.fromThrowable(failure).getCode());
    }

    @Override
    public void onCompleted() {
      all.add(Status.Code.OK);
    }

    Object next() throws InterruptedException {
      return all.poll(10, TimeUnit.SECONDS);
    }
  }

  private static HealthCheckResponse state(ServingStatus status) {
    return HealthCheckResponse.newBuilder().setStatus(status).build();
  }

  @Test
  void whoWatchesTheHealthLearnsOfADrainAndDoesNotDelayIt() throws Exception {
    GrpcServer server = fixture.server(new RemoteStock(), settings -> settings.reflection(true));
    Channel channel = fixture.bare(server.port());
    Seen<HealthCheckResponse> health = new Seen<>();
    HealthGrpc.newStub(channel).watch(HealthCheckRequest.getDefaultInstance(), health);
    assertThat(health.next()).isEqualTo(state(ServingStatus.SERVING));
    Seen<ServerReflectionResponse> services = new Seen<>();
    ServerReflectionGrpc.newStub(channel)
        .serverReflectionInfo(services)
        .onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
    assertThat(services.next()).isInstanceOf(ServerReflectionResponse.class);

    assertThat(server.drain(Duration.ofSeconds(10))).isTrue();
    assertThat(health.next()).isEqualTo(state(ServingStatus.NOT_SERVING));
    assertThat(health.next()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(services.next()).isEqualTo(Status.Code.UNAVAILABLE);
  }
}
