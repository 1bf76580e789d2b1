package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.commslib.testkit.Await;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One connection with more streams than a server takes. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ManyStreamsTest {

  private static final int STREAMS = 10_000;
  private static final String CONTENT = "content-of-the-request";

  private final GrpcFixture fixture = new GrpcFixture();
  private final AtomicInteger open = new AtomicInteger();
  private final AtomicInteger most = new AtomicInteger();

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  /** The streams that the server holds at the same time. */
  private final class Counting extends ServerStreamTracer.Factory {
    @Override
    public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
      return new ServerStreamTracer() {
        @Override
        public void serverCallStarted(ServerCallInfo<?, ?> call) {
          most.accumulateAndGet(open.incrementAndGet(), Math::max);
        }

        @Override
        public void streamClosed(Status status) {
          open.decrementAndGet();
        }
      };
    }
  }

  @Test
  void tenThousandStreamsOnOneConnectionAreBounded() throws Exception {
    RemoteStock stock = new RemoteStock();
    GrpcServer server =
        GrpcServer.builder(
                Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                    .addStreamTracerFactory(new Counting()),
                fixture.resilience)
            .drainDelay(Duration.ZERO)
            .service(stock)
            .build();
    fixture.add(server::close);
    server.start();
    int refused = STREAMS - GrpcServer.DEFAULT_MAX_IN_FLIGHT;
    try (RawHttp2Client client = new RawHttp2Client(server.port())) {
      for (int i = 0; i < STREAMS; i++) {
        client.open("/commslib.test.v1.Stock/LevelOf", CONTENT);
      }
      Await.until("all others are refused", () -> client.ended() == refused);
      assertThat(client.endedWith("COMMS-GRPC-108")).isEqualTo(refused);
      assertThat(client.endedWith("grpc-status\u00018"))
          .as("RESOURCE_EXHAUSTED")
          .isEqualTo(refused);
      assertThat(client.endedWith(CONTENT)).isZero();
      assertThat(server.health().details())
          .containsEntry("inFlight", Integer.toString(GrpcServer.DEFAULT_MAX_IN_FLIGHT))
          .containsEntry("refused", Integer.toString(refused));
      Await.until("none else is held", () -> open.get() == GrpcServer.DEFAULT_MAX_IN_FLIGHT);

      client.reset(1);
      int next = client.openWhole("/commslib.test.v1.Stock/LevelOf");
      Await.until("the next call on the connection works", () -> client.isAnswered(next));
    }
    Await.until("the streams end with their connection", () -> open.get() == 0);
    assertThat(
            StockGrpc.newBlockingStub(fixture.channel(server.port()))
                .levelOf(LevelRequest.newBuilder().setItem("nut").build())
                .getItem())
        .isEqualTo("nut");
    // The caller has its answer a moment before the server has ended the call.
    Await.until("no call is left", () -> "0".equals(server.health().details().get("inFlight")));
    assertThat(stock.arrivals).isEmpty();
  }
}
