package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.call.CallStatus;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.grpc.proto.Level;
import io.commslib.grpc.proto.Reservation;
import io.commslib.grpc.proto.ReserveRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.commslib.idempotency.IdempotencyConfig;
import io.commslib.idempotency.InMemoryIdempotencyStore;
import io.commslib.idempotency.InboxSchema;
import io.commslib.idempotency.JdbcIdempotencyStore;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.testkit.Await;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerBuilder;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.sql.Connection;
import java.sql.ResultSet;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Methods with idempotency keys: one effect for each key, and stored answers. */
class KeyedCallsTest {

  private static final ReserveRequest ONE =
      ReserveRequest.newBuilder().setItem("apple").setCount(1).build();
  private static final ReserveRequest TWO =
      ReserveRequest.newBuilder().setItem("apple").setCount(2).build();

  private final GrpcFixture fixture = new GrpcFixture();
  private final RemoteStock stock = new RemoteStock();
  private Channel channel;

  @BeforeEach
  void serve() {
    stock.reserve =
        (arrival, request, to) ->
            RemoteStock.answer(
                to, Reservation.newBuilder().setNumber(stock.effects.size()).build());
    GrpcServer server =
        fixture.server(
            stock,
            settings ->
                settings
                    .retryAfter(Duration.ofMillis(20))
                    .idempotency(StockGrpc.getReserveMethod(), store()));
    channel = fixture.bare(server.port());
  }

  private InMemoryIdempotencyStore store() {
    return InMemoryIdempotencyStore.create(fixture.runtime.time(), Duration.ofHours(1), 1_000);
  }

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  private StockGrpc.StockBlockingStub with(String key) {
    Metadata headers = new Metadata();
    headers.put(GrpcHeaders.IDEMPOTENCY_KEY, key);
    return StockGrpc.newBlockingStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  private static void isProblem(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable of, Status.Code code, String text) {
    StatusRuntimeException failure = catchThrowableOfType(StatusRuntimeException.class, of);
    assertThat(failure.getStatus().getCode()).isEqualTo(code);
    assertThat(failure.getStatus().getDescription()).startsWith(text);
    assertThat(GrpcProblem.of(failure).orElseThrow().code()).hasValue(text.substring(0, 14));
  }

  @Test
  void aRepetitionGetsTheStoredAnswer() {
    assertThat(with("\"k1\"").reserve(ONE).getNumber()).isEqualTo(1);
    assertThat(with("\"k1\"").reserve(ONE).getNumber()).isEqualTo(1);
    assertThat(with("k1").reserve(ONE).getNumber()).isEqualTo(1);
    assertThat(with("k2").reserve(ONE).getNumber()).isEqualTo(2);
    assertThat(stock.effects).hasSize(2);
  }

  @Test
  void aFailureOfTheHandlersChoiceIsStoredToo() {
    stock.reserve =
        (arrival, request, to) ->
            to.onError(
                GrpcProblem.builder(CallStatus.FAILED_PRECONDITION)
                    .code("STOCK-00000007")
                    .detail("sold out")
                    .build()
                    .asException());
    for (int i = 0; i < 2; i++) {
      isProblem(
          () -> with("k").reserve(ONE),
          Status.Code.FAILED_PRECONDITION,
          "STOCK-00000007: sold out");
    }
    assertThat(stock.effects).hasSize(1);
  }

  @Test
  void aRepetitionGetsStatusAndDetailsAndNoOtherTrailers() {
    Metadata.Key<String> own = Metadata.Key.of("x-shelf", Metadata.ASCII_STRING_MARSHALLER);
    stock.reserve =
        (arrival, request, to) -> {
          Metadata trailers = new Metadata();
          trailers.put(own, "7");
          trailers.put(GrpcHeaders.STATUS_DETAILS, new byte[] {8, 9});
          to.onError(Status.FAILED_PRECONDITION.withDescription("sold out").asException(trailers));
        };
    for (int i = 0; i < 2; i++) {
      StatusRuntimeException failure =
          catchThrowableOfType(StatusRuntimeException.class, () -> with("k").reserve(ONE));
      assertThat(failure.getStatus().getDescription()).isEqualTo("sold out");
      assertThat(failure.getTrailers().get(GrpcHeaders.STATUS_DETAILS)).containsExactly(8, 9);
      assertThat(failure.getTrailers().get(own)).isEqualTo(i == 0 ? "7" : null);
    }
    assertThat(stock.effects).hasSize(1);
  }

  @Test
  void aFailedHandlerRunsAgain() {
    stock.reserve =
        (arrival, request, to) -> {
          if (stock.effects.size() == 1) {
            throw new IllegalStateException("first");
          }
          if (stock.effects.size() == 2) {
            RemoteStock.fail(to, Status.Code.UNAVAILABLE);
          } else {
            RemoteStock.answer(to, Reservation.newBuilder().setNumber(3).build());
          }
        };
    isProblem(() -> with("k").reserve(ONE), Status.Code.INTERNAL, "COMMS-GRPC-106: the handler");
    assertThat(catchThrowableOfType(StatusRuntimeException.class, () -> with("k").reserve(ONE)))
        .isNotNull();
    assertThat(with("k").reserve(ONE).getNumber()).isEqualTo(3);
    assertThat(with("k").reserve(ONE).getNumber()).isEqualTo(3);
  }

  @Test
  void aKeyIsRequiredAndChecked() {
    isProblem(
        () -> StockGrpc.newBlockingStub(channel).reserve(ONE),
        Status.Code.INVALID_ARGUMENT,
        "COMMS-GRPC-131: this method is idempotent and requires the metadata idempotency-key");
    isProblem(
        () -> with("\"open").reserve(ONE),
        Status.Code.INVALID_ARGUMENT,
        "COMMS-GRPC-132: idempotency-key: malformed: The closing quote is missing.");
    with("k").reserve(ONE);
    isProblem(
        () -> with("k").reserve(TWO),
        Status.Code.INVALID_ARGUMENT,
        "COMMS-GRPC-133: this idempotency key was used for another request");
    assertThat(stock.effects).hasSize(1);
    // Other methods need none.
    assertThat(StockGrpc.newBlockingStub(channel).setLevel(Level.getDefaultInstance())).isNotNull();
  }

  @Test
  void aCallInProgressIsPushedBackAndTheClientWaits() throws Exception {
    CountDownLatch arrived = new CountDownLatch(1);
    CountDownLatch over = new CountDownLatch(1);
    stock.reserve =
        (arrival, request, to) -> {
          arrived.countDown();
          over.await();
          RemoteStock.answer(to, Reservation.newBuilder().setNumber(1).build());
        };
    Metadata headers = new Metadata();
    headers.put(GrpcHeaders.IDEMPOTENCY_KEY, "k");
    Future<Reservation> first =
        StockGrpc.newFutureStub(channel)
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
            .reserve(ONE);
    assertThat(arrived.await(10, TimeUnit.SECONDS)).isTrue();
    isProblem(
        () -> with("k").reserve(ONE),
        Status.Code.ABORTED,
        "COMMS-GRPC-134: a call with this idempotency key is in progress");
    Future<Reservation> second =
        StockGrpc.newFutureStub(
                ClientInterceptors.intercept(
                    channel, GrpcCalls.interceptor(fixture.resilience, "stock")))
            .withOption(GrpcCalls.IDEMPOTENCY_KEY, "k")
            .reserve(ONE);
    Await.until("the second call was pushed back", () -> stock.arrivals.size() >= 3);
    over.countDown();
    assertThat(first.get(10, TimeUnit.SECONDS).getNumber()).isEqualTo(1);
    assertThat(second.get(10, TimeUnit.SECONDS).getNumber()).isEqualTo(1);
    assertThat(stock.effects).hasSize(1);
  }

  @Test
  void aHandlerThatAnswersOnItsOwnThreadHasOneEffectAlthoughItsCallerGivesUp() throws Exception {
    CountDownLatch arrived = new CountDownLatch(1);
    CountDownLatch over = new CountDownLatch(1);
    stock.reserve =
        (arrival, request, to) ->
            new Thread(
                    () -> {
                      arrived.countDown();
                      try {
                        over.await();
                      } catch (InterruptedException e) {
                        return;
                      }
                      RemoteStock.answer(to, Reservation.newBuilder().setNumber(1).build());
                    })
                .start();
    Future<Reservation> first =
        StockGrpc.newFutureStub(channel)
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(key("k")))
            .reserve(ONE);
    assertThat(arrived.await(10, TimeUnit.SECONDS)).isTrue();
    first.cancel(true);
    for (int i = 0; i < 20; i++) {
      isProblem(
          () -> with("k").reserve(ONE),
          Status.Code.ABORTED,
          "COMMS-GRPC-134: a call with this idempotency key is in progress");
    }
    over.countDown();
    Await.until("its answer is stored", () -> answered(with("k")));
    assertThat(with("k").reserve(ONE).getNumber()).isEqualTo(1);
    assertThat(stock.effects).hasSize(1);
  }

  @Test
  void aHandlerThatOverrunsOnItsOwnThreadKeepsItsKey() throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    RemoteStock slow = new RemoteStock();
    slow.reserve =
        (arrival, request, to) ->
            new Thread(
                    () -> {
                      try {
                        over.await();
                      } catch (InterruptedException e) {
                        return;
                      }
                      RemoteStock.answer(to, Reservation.getDefaultInstance());
                    })
                .start();
    GrpcServer server =
        fixture.server(
            slow,
            settings ->
                settings
                    .name("slow")
                    .maxTimeout(Duration.ofMillis(100))
                    .idempotency(StockGrpc.getReserveMethod(), store()));
    channel = fixture.bare(server.port());
    isProblem(
        () -> with("k").reserve(ONE),
        Status.Code.DEADLINE_EXCEEDED,
        "COMMS-GRPC-105: the handler overran the maxTimeout");
    Await.until("the call has ended", () -> server.health().details().get("inFlight").equals("0"));
    isProblem(
        () -> with("k").reserve(ONE),
        Status.Code.ABORTED,
        "COMMS-GRPC-134: a call with this idempotency key is in progress");
    assertThat(slow.effects).hasSize(1);
    over.countDown();
  }

  private static boolean answered(StockGrpc.StockBlockingStub stub) {
    try {
      return stub.reserve(ONE).getNumber() == 1;
    } catch (StatusRuntimeException e) {
      return false;
    }
  }

  private static Metadata key(String key) {
    Metadata headers = new Metadata();
    headers.put(GrpcHeaders.IDEMPOTENCY_KEY, key);
    return headers;
  }

  @Test
  void anEndThatARepetitionNeedNotHaveIsNotStored() {
    stock.reserve =
        (arrival, request, to) -> {
          if (stock.effects.size() == 1) {
            // As a handler does that sees its call cancelled.
            to.onError(Status.CANCELLED.asRuntimeException());
          } else if (stock.effects.size() == 2) {
            to.onCompleted();
          } else {
            RemoteStock.answer(to, Reservation.newBuilder().setNumber(3).build());
          }
        };
    for (int i = 0; i < 2; i++) {
      assertThat(catchThrowableOfType(StatusRuntimeException.class, () -> with("k").reserve(ONE)))
          .isNotNull();
    }
    assertThat(with("k").reserve(ONE).getNumber()).isEqualTo(3);
    assertThat(with("k").reserve(ONE).getNumber()).isEqualTo(3);
    assertThat(stock.effects).hasSize(3);
  }

  @Test
  void anAnswerThatIsNotKeptIsReportedAsDone() {
    stock.reserve =
        (arrival, request, to) ->
            RemoteStock.answer(
                to,
                Reservation.newBuilder()
                    .setIdBytes(ByteString.copyFromUtf8("x".repeat(2_000_000)))
                    .build());
    assertThat(with("k").reserve(ONE).getId()).hasSize(2_000_000);
    isProblem(
        () -> with("k").reserve(ONE),
        Status.Code.ALREADY_EXISTS,
        "COMMS-GRPC-135: the call was carried out before, and its answer could not be kept");
    assertThat(stock.effects).hasSize(1);
  }

  /** As the wait for a connection of a pool does, which keeps the flag of its thread. */
  private static void waitForConnection() {
    try {
      new CountDownLatch(1).await(1, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException("TEST-001", FailureKind.TRANSIENT, "no connection", e);
    }
  }

  @Test
  void anInterruptAfterTheHandlerDoesNotKeepItsAnswerFromTheStore() throws Exception {
    CountDownLatch storing = new CountDownLatch(1);
    CountDownLatch stopped = new CountDownLatch(1);
    IdempotencyStore slow =
        new ForwardingStore(store()) {
          @Override
          public boolean complete(RequestKey request, long token, StoredResult result) {
            storing.countDown();
            assertThat(awaitDespiteInterrupts(stopped)).isTrue();
            waitForConnection();
            return super.complete(request, token, result);
          }
        };
    AtomicReference<Context> context = new AtomicReference<>();
    stock.reserve =
        (arrival, request, to) -> {
          context.set(Context.current());
          RemoteStock.answer(to, Reservation.newBuilder().setNumber(1).build());
        };
    channel = serve(slow);
    Future<Reservation> first =
        StockGrpc.newFutureStub(channel)
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(key("k")))
            .reserve(ONE);
    assertThat(storing.await(10, TimeUnit.SECONDS)).isTrue();
    // After that of the server, which interrupts.
    context.get().addListener(ended -> stopped.countDown(), Runnable::run);
    first.cancel(true);
    Await.until("its answer is stored", () -> answered(with("k")));
    assertThat(stock.effects).hasSize(1);
  }

  private Channel serve(IdempotencyStore store) {
    GrpcServer server =
        fixture.server(
            stock, settings -> settings.idempotency(StockGrpc.getReserveMethod(), store));
    return fixture.bare(server.port());
  }

  private static boolean awaitDespiteInterrupts(CountDownLatch latch) {
    boolean isInterrupted = false;
    try {
      while (true) {
        try {
          return latch.await(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
          isInterrupted = true;
        }
      }
    } finally {
      if (isInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Test
  void aStoredAnswerThatIsNoneOfItsMethodIsReportedAsDone() {
    for (StoredResult stored :
        List.of(
            new StoredResult(200, "", new byte[] {1, 2, 3}, Map.of()),
            new StoredResult(404, "", new byte[0], Map.of("grpc-status", "none")),
            new StoredResult(404, "", new byte[0], Map.of("grpc-status", "99")),
            new StoredResult(404, "", new byte[0], Map.of("grpc-status", "-1")))) {
      channel =
          serve(
              new ForwardingStore(store()) {
                @Override
                public Claim claim(RequestKey request, Duration lease) {
                  return Claim.completed(stored);
                }
              });
      isProblem(
          () -> with("k").reserve(ONE),
          Status.Code.ALREADY_EXISTS,
          "COMMS-GRPC-135: the call was carried out before, and its answer could not be kept");
    }
    assertThat(stock.effects).isEmpty();
  }

  @Test
  void anAnswerOnAnotherThreadIsWaitedFor() {
    stock.reserve =
        (arrival, request, to) ->
            new Thread(
                    () ->
                        RemoteStock.answer(
                            to, Reservation.newBuilder().setNumber(stock.effects.size()).build()))
                .start();
    assertThat(with("k").reserve(ONE).getNumber()).isEqualTo(1);
    assertThat(with("k").reserve(ONE).getNumber()).isEqualTo(1);
  }

  @Test
  void aStoredAnswerCommitsWithTheEffectsOfItsHandler() throws Exception {
    JdbcDataSource source = new JdbcDataSource();
    source.setURL("jdbc:h2:mem:" + System.nanoTime() + ";DB_CLOSE_DELAY=-1;WRITE_DELAY=0");
    JdbcDatabase database = JdbcDatabase.builder(source).build();
    InboxSchema.scripts().apply(database);
    try (Connection connection = source.getConnection()) {
      connection.createStatement().execute("CREATE TABLE reservation (item varchar(100))");
    }
    RemoteStock within = new RemoteStock();
    within.reserve =
        (arrival, request, to) -> {
          Connection connection = GrpcServer.transaction().unwrap(Connection.class);
          connection.createStatement().execute("INSERT INTO reservation VALUES ('apple')");
          switch (within.effects.size()) {
            case 1 -> throw new IllegalStateException("rolls back");
            case 2 -> RemoteStock.fail(to, Status.Code.UNAVAILABLE);
            case 3 -> {} // has not answered when it returns
            default -> RemoteStock.answer(to, Reservation.newBuilder().setNumber(4).build());
          }
        };
    GrpcServer server =
        fixture.server(
            within,
            settings ->
                settings
                    .name("transactional")
                    .idempotency(
                        StockGrpc.getReserveMethod(),
                        IdempotentRequests.builder(
                                JdbcIdempotencyStore.create(database, IdempotencyConfig.defaults()))
                            .build(),
                        JdbcTransactionRunner.create(database)));
    channel = fixture.bare(server.port());
    for (int i = 0; i < 3; i++) {
      assertThat(catchThrowableOfType(StatusRuntimeException.class, () -> with("k").reserve(ONE)))
          .isNotNull();
    }
    assertThat(with("k").reserve(ONE).getNumber()).isEqualTo(4);
    assertThat(with("k").reserve(ONE).getNumber()).isEqualTo(4);
    assertThat(within.effects).hasSize(4);
    try (Connection connection = source.getConnection();
        ResultSet rows =
            connection.createStatement().executeQuery("SELECT count(*) FROM reservation")) {
      rows.next();
      assertThat(rows.getInt(1)).isEqualTo(1);
    }
    assertThatThrownBy(GrpcServer::transaction).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void onlyUnaryMethodsOfAServiceHaveKeys() {
    assertThat(
            catchThrowableOfType(
                IllegalArgumentException.class,
                () ->
                    GrpcServer.builder(ServerBuilder.forPort(0), fixture.resilience)
                        .idempotency(StockGrpc.getWatchMethod(), store())))
        .hasMessage("method: SERVER_STREAMING (expected: UNARY)");
    assertThat(
            catchThrowableOfType(
                IllegalArgumentException.class,
                () ->
                    GrpcServer.builder(ServerBuilder.forPort(0), fixture.resilience)
                        .idempotency(
                            StockGrpc.getReserveMethod(),
                            IdempotentRequests.builder(store()).build())
                        .build()))
        .hasMessage(
            "idempotency: commslib.test.v1.Stock/Reserve (expected: a method of a service of this"
                + " server)");
  }
}
