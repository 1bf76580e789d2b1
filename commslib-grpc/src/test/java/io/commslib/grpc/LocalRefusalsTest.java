package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.grpc.proto.Level;
import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Calls that end on this side, before a server has seen them. */
class LocalRefusalsTest {

  private static final LevelRequest APPLE = LevelRequest.newBuilder().setItem("apple").build();

  /** Those that may pass by themselves; a call that was cancelled is not repeated. */
  private static final Set<Status.Code> REPEATED =
      EnumSet.of(
          Status.Code.UNAVAILABLE,
          Status.Code.DEADLINE_EXCEEDED,
          Status.Code.ABORTED,
          Status.Code.UNKNOWN,
          Status.Code.INTERNAL,
          // Its cause is not this side, so it is taken for a reset.
          Status.Code.CANCELLED);

  private final GrpcFixture fixture = new GrpcFixture();

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  /** Ends each call at once, as one that lacks a token does. */
  private static final class Refusing implements ClientInterceptor {
    private final AtomicInteger calls = new AtomicInteger();
    private Status status = Status.OK;

    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      calls.incrementAndGet();
      return new ClientCall<>() {
        @Override
        public void start(Listener<A> listener, Metadata headers) {
          listener.onClose(status, new Metadata());
        }

        @Override
        public void request(int count) {}

        @Override
        public void cancel(String message, Throwable cause) {}

        @Override
        public void halfClose() {}

        @Override
        public void sendMessage(Q message) {}
      };
    }
  }

  @Test
  void onlyRefusalsThatMayPassAreRepeated() throws Exception {
    RemoteStock remote = fixture.remote();
    Refusing below = new Refusing();
    Channel refusing = ClientInterceptors.intercept(fixture.bare(remote.port()), below);
    for (Status.Code code : EnumSet.complementOf(EnumSet.of(Status.Code.OK))) {
      below.status = code.toStatus();
      below.calls.set(0);
      // Each has a budget of its own.
      Channel channel =
          ClientInterceptors.intercept(
              refusing, GrpcCalls.interceptor(fixture.resilience, "stock-" + code));
      StatusRuntimeException failure =
          catchThrowableOfType(
              StatusRuntimeException.class,
              () -> StockGrpc.newBlockingStub(channel).levelOf(APPLE));
      assertThat(below.calls.get()).as("%s", code).isEqualTo(REPEATED.contains(code) ? 3 : 1);
      assertThat(failure.getStatus().getCode())
          .isEqualTo(code == Status.Code.CANCELLED ? Status.Code.UNAVAILABLE : code);
    }
    assertThat(remote.arrivals).isEmpty();
  }

  @Test
  void anOptionThatBreaksItsRuleIsNamed() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.levelOf = (arrival, request, to) -> RemoteStock.answer(to, Level.getDefaultInstance());
    StockGrpc.StockBlockingStub stub = StockGrpc.newBlockingStub(fixture.channel(remote.port()));
    String key = "COMMS-GRPC-004: idempotencyKey: 'two words' (expected: 1..";
    refused(stub.withOption(GrpcCalls.IDEMPOTENCY_KEY, "two words"), key);
    refused(
        stub.withOption(GrpcCalls.SUBSET, "two words"), "COMMS-GRPC-004: subset: 'two words' (");
    assertThat(remote.arrivals).isEmpty();
    assertThat(stub.levelOf(APPLE)).isNotNull();
  }

  private static void refused(StockGrpc.StockBlockingStub stub, String text) {
    StatusRuntimeException failure =
        catchThrowableOfType(StatusRuntimeException.class, () -> stub.levelOf(APPLE));
    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(failure.getStatus().getDescription()).startsWith(text);
  }
}
