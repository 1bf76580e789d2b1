package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.grpc.proto.Level;
import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.Reservation;
import io.commslib.grpc.proto.ReserveRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.commslib.testkit.Await;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Context;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a caller does in its callbacks, and where they run. */
class CallerCallbacksTest {

  private static final LevelRequest APPLE = LevelRequest.newBuilder().setItem("apple").build();
  private static final Context.Key<String> USER = Context.key("user");

  private final GrpcFixture fixture = new GrpcFixture();

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  /** Answers of a stream that a test does not look at. */
  private abstract static class Answers<A> implements StreamObserver<A> {
    @Override
    public void onNext(A value) {}

    @Override
    public void onError(Throwable failure) {}

    @Override
    public void onCompleted() {}
  }

  /**
   * The start of an attempt lasts until the attempt is ready, as on a thread without a processor.
   */
  private static final class LongStart implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      CountDownLatch ready = new CountDownLatch(1);
      return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
        @Override
        public void start(Listener<A> listener, Metadata headers) {
          super.start(
              new SimpleForwardingClientCallListener<>(listener) {
                @Override
                public void onReady() {
                  super.onReady();
                  ready.countDown();
                }
              },
              headers);
          try {
            assertThat(ready.await(10, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        }
      };
    }
  }

  @Test
  void aStreamOfRequestsThatIsReadyDuringItsStartIsSent() throws Exception {
    RemoteStock remote = fixture.remote();
    ManagedChannel channel =
        fixture.built(
            GrpcCalls.protect(
                GrpcFixture.builder(remote.port()).intercept(new LongStart()),
                fixture.resilience,
                "stock"));
    CompletableFuture<Long> count = new CompletableFuture<>();
    StockGrpc.newStub(channel)
        .upload(
            new ClientResponseObserver<Level, Level>() {
              private int sent;

              @Override
              public void beforeStart(ClientCallStreamObserver<Level> requests) {
                requests.setOnReadyHandler(() -> send(requests));
              }

              private void send(ClientCallStreamObserver<Level> requests) {
                while (requests.isReady() && sent < 10) {
                  requests.onNext(Level.getDefaultInstance());
                  sent++;
                  if (sent == 10) {
                    requests.onCompleted();
                  }
                }
              }

              @Override
              public void onNext(Level value) {
                count.complete(value.getCount());
              }

              @Override
              public void onError(Throwable failure) {
                count.completeExceptionally(failure);
              }

              @Override
              public void onCompleted() {}
            });
    assertThat(count.get(10, TimeUnit.SECONDS)).isEqualTo(10);
  }

  @Test
  void callbacksThatWaitForOtherCallsDoNotBlockThem() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.levelOf = (arrival, request, to) -> {};
    fixture
        .resilience
        .guard("stock")
        .replacePolicy(GrpcFixture.policy(Duration.ofSeconds(5)).maxInFlight(1).build());
    ManagedChannel channel = fixture.channel(remote.port());
    StockGrpc.newStub(channel).levelOf(APPLE, new Answers<>() {});
    Await.until("the only place is taken", () -> remote.arrivals.size() == 1);
    CountDownLatch all = new CountDownLatch(20);
    for (int i = 0; i < 20; i++) {
      StockGrpc.newStub(channel)
          .levelOf(
              APPLE,
              new Answers<>() {
                @Override
                public void onError(Throwable refused) {
                  try {
                    StockGrpc.newFutureStub(channel).levelOf(APPLE).get(60, TimeUnit.SECONDS);
                  } catch (ExecutionException alsoRefused) {
                    all.countDown();
                  } catch (Exception e) {
                    throw new AssertionError(e);
                  }
                }
              });
    }
    assertThat(all.await(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void allCallbacksRunInTheContextOfTheirCaller() throws Exception {
    RemoteStock remote = fixture.remote();
    remote.levelOf =
        (arrival, request, to) -> {
          if (request.getItem().equals("answered")) {
            RemoteStock.answer(to, Level.getDefaultInstance());
          }
        };
    ManagedChannel channel = fixture.channel(remote.port());
    assertThat(userAtTheEndOf(channel, "answered")).isEqualTo("me");
    assertThat(userAtTheEndOf(channel, "too late")).isEqualTo("me");
  }

  private static String userAtTheEndOf(Channel channel, String item) throws Exception {
    CompletableFuture<String> user = new CompletableFuture<>();
    Context.current()
        .withValue(USER, "me")
        .run(
            () ->
                StockGrpc.newStub(channel)
                    .withDeadlineAfter(item.equals("answered") ? 10_000 : 50, TimeUnit.MILLISECONDS)
                    .levelOf(
                        LevelRequest.newBuilder().setItem(item).build(),
                        new Answers<>() {
                          @Override
                          public void onError(Throwable failure) {
                            user.complete(USER.get());
                          }

                          @Override
                          public void onCompleted() {
                            user.complete(USER.get());
                          }
                        }));
    return String.valueOf(user.get(10, TimeUnit.SECONDS));
  }

  @Test
  void aCallWithOneRequestIsMadeOnceHoweverOftenItsRequestEnds() throws Exception {
    RemoteStock remote = fixture.remote();
    ClientCall<ReserveRequest, Reservation> call =
        fixture.channel(remote.port()).newCall(StockGrpc.getReserveMethod(), CallOptions.DEFAULT);
    CompletableFuture<Status> end = new CompletableFuture<>();
    call.start(
        new ClientCall.Listener<>() {
          @Override
          public void onClose(Status status, Metadata trailers) {
            end.complete(status);
          }
        },
        new Metadata());
    call.request(2);
    call.sendMessage(ReserveRequest.getDefaultInstance());
    call.halfClose();
    assertThatThrownBy(call::halfClose)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("requests: ended before (expected: once)");
    assertThatThrownBy(() -> call.sendMessage(ReserveRequest.getDefaultInstance()))
        .isInstanceOf(IllegalStateException.class);
    assertThat(end.get(10, TimeUnit.SECONDS).isOk()).isTrue();
    assertThat(call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR)).isNotNull();
    StockGrpc.newBlockingStub(fixture.bare(remote.port())).levelOf(APPLE);
    assertThat(remote.effects).hasSize(1);
  }
}
