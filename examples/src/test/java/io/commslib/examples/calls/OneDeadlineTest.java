package io.commslib.examples.calls;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.Deadline;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.time.SystemRuntime;
import io.commslib.examples.shop.queries.OrderRequest;
import io.commslib.examples.shop.queries.StockGrpc;
import io.commslib.examples.shop.queries.StockLevels;
import io.commslib.grpc.GrpcCalls;
import io.commslib.grpc.GrpcServer;
import io.commslib.http.HttpService;
import io.commslib.http.server.HttpAnswer;
import io.commslib.http.server.HttpRoutes;
import io.commslib.http.server.HttpServerComponent;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.Await;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** One deadline from a caller over HTTP and gRPC to a message, with a real server at each hop. */
class OneDeadlineTest {

  private static final Destination KEEPING = Destination.queue("keeping");
  private static final Destination DROPPING = Destination.queue("dropping");
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private final SystemRuntime runtime = SystemRuntime.create();
  private final InMemoryTransport transport = InMemoryTransport.builder().runtime(runtime).build();

  /** Attempts may use the whole deadline, so that no time of the policy shortens it. */
  private final Resilience resilience =
      Resilience.builder(runtime)
          .defaults(CallPolicy.builder().deadline(LIMIT).attemptTimeout(LIMIT).build())
          .build();

  /** The time that was left at each hop, in the order of the hops. */
  private final List<Duration> left = new CopyOnWriteArrayList<>();

  private volatile boolean isMeasured;
  private final List<String> handled = new CopyOnWriteArrayList<>();

  private Duration remaining() {
    return Duration.ofNanos(CallContext.current().remainingNanos(Long.MAX_VALUE));
  }

  /** The third hop: it publishes a message that is worth nothing after the call, and an event. */
  private final class Publishing extends StockGrpc.StockImplBase {
    @Override
    public void stockLevel(OrderRequest request, StreamObserver<StockLevels> answer) {
      if (isMeasured) {
        publish();
      }
      answer.onNext(StockLevels.getDefaultInstance());
      answer.onCompleted();
    }

    private void publish() {
      left.add(remaining());
      Message question = Message.builder("stock.asked").id("question").withinCallDeadline().build();
      left.add(Duration.between(runtime.time().now(), question.expiry().orElseThrow()));
      Message event = Message.builder("stock.read").id("event").build();
      assertThat(event.expiry()).isEmpty();
      for (Destination queue : List.of(KEEPING, DROPPING)) {
        for (Message message : List.of(question, event)) {
          published(transport.publisher().publish(queue, message).toCompletableFuture());
        }
      }
    }
  }

  private static void published(CompletableFuture<?> receipt) {
    assertThat(receipt).succeedsWithin(10, TimeUnit.SECONDS);
  }

  @Test
  void eachHopHasLessTimeAndAnEventOutlivesTheCall() {
    for (Destination queue : List.of(KEEPING, DROPPING)) {
      transport.declare(DestinationConfig.builder(queue).build());
    }
    GrpcServer stock =
        GrpcServer.builder(
                Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create()), resilience)
            .service(new Publishing())
            .drainDelay(Duration.ZERO)
            .build();
    stock.start();
    ManagedChannel channel =
        GrpcCalls.protect(
                Grpc.newChannelBuilder(
                    "127.0.0.1:" + stock.port(), InsecureChannelCredentials.create()),
                resilience,
                "stock")
            .build();
    HttpServerComponent orders = orders(channel);
    try (Lifecycle lifecycle = Lifecycle.builder().server(orders).calls(resilience).build()) {
      lifecycle.start();
      ask(
          HttpService.builder("orders", URI.create("http://127.0.0.1:" + orders.port()))
              .build(resilience));
    } finally {
      channel.shutdownNow();
      stock.close();
    }
    assertThat(left).hasSize(4);
    for (int hop = 1; hop < left.size(); hop++) {
      assertThat(left.get(hop)).as("hop " + hop + " of " + left).isLessThan(left.get(hop - 1));
    }
    assertThat(left.get(3)).isPositive();
    theQuestionExpiresAndTheEventDoesNot();
  }

  private HttpServerComponent orders(ManagedChannel channel) {
    HttpRoutes routes =
        HttpRoutes.builder(runtime)
            .route(
                "GET /v1/orders",
                request -> {
                  if (isMeasured) {
                    left.add(remaining());
                  }
                  StockLevels levels =
                      StockGrpc.newBlockingStub(channel)
                          .stockLevel(OrderRequest.getDefaultInstance());
                  return levels.getPiecesCount() == 0 ? HttpAnswer.noContent() : HttpAnswer.of(500);
                })
            .build();
    return HttpServerComponent.builder("orders", routes, runtime).host("127.0.0.1").build();
  }

  /** The first hop. A call before it, with the time of the policy, connects and loads classes. */
  private void ask(HttpService orders) {
    assertThat(orders.get("/v1/orders").reply().status()).isEqualTo(204);
    isMeasured = true;
    int status =
        CallContext.within(
            Deadline.after(Duration.ofSeconds(5), runtime.time()),
            () -> {
              left.add(remaining());
              return orders.get("/v1/orders").reply().status();
            });
    assertThat(status).isEqualTo(204);
  }

  private void theQuestionExpiresAndTheEventDoesNot() {
    long over = runtime.time().nanoTime() + left.get(3).toNanos();
    Await.until("the deadline is over", LIMIT, () -> runtime.time().nanoTime() > over);
    for (Destination queue : List.of(KEEPING, DROPPING)) {
      SubscriptionConfig.Builder config = SubscriptionConfig.builder(queue);
      transport
          .subscriber()
          .subscribe(
              queue == DROPPING ? config.dropExpired().build() : config.build(),
              delivery -> {
                handled.add(queue.name() + " " + delivery.message().id());
                return Settlement.done();
              });
    }
    Await.until("both events are handled", LIMIT, () -> handled.size() == 2);
    Await.until("a dead letter", LIMIT, () -> !dead(KEEPING).isEmpty());
    assertThat(handled).containsExactlyInAnyOrder("keeping event", "dropping event");
    assertThat(dead(KEEPING)).containsExactly("question EXPIRED");
    assertThat(dead(DROPPING)).isEmpty();
    transport.close();
    runtime.close();
  }

  private List<String> dead(Destination queue) {
    return transport.deadLetters().list(queue, "main", 10).stream()
        .map(letter -> letter.messageId() + " " + letter.reason())
        .toList();
  }
}
