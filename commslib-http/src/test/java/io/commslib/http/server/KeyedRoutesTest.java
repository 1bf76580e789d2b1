package io.commslib.http.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.time.SystemRuntime;
import io.commslib.http.Problem;
import io.commslib.idempotency.IdempotencyConfig;
import io.commslib.idempotency.InMemoryIdempotencyStore;
import io.commslib.idempotency.InboxSchema;
import io.commslib.idempotency.JdbcIdempotencyStore;
import io.commslib.jackson.JacksonCodec;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.testkit.Await;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class KeyedRoutesTest {

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final String SECRET = "hunter2";

  /** A charge. */
  record Charge(String customer, int cents) {}

  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final JdbcDataSource source = h2();
  private final JdbcDatabase database = JdbcDatabase.builder(source).build();
  private final AtomicInteger runs = new AtomicInteger();
  private final AtomicReference<KeyedHandler> handler = new AtomicReference<>();
  private final TestServer server = server();

  private interface KeyedHandler {
    HttpAnswer answer(Charge charge) throws Exception;
  }

  private static JdbcDataSource h2() {
    JdbcDataSource source = new JdbcDataSource();
    source.setURL("jdbc:h2:mem:" + System.nanoTime() + ";DB_CLOSE_DELAY=-1;WRITE_DELAY=0");
    return source;
  }

  /** With the defaults, whose lease is long enough for those of the routes. */
  private static IdempotentRequests requests(IdempotencyStore store) {
    return IdempotentRequests.builder(store).build();
  }

  private TestServer server() {
    InboxSchema.scripts().apply(database);
    execute("CREATE TABLE charge (customer varchar(100), cents int)");
    JdbcTransactionRunner transactions = JdbcTransactionRunner.create(database);
    IdempotencyStore stored = JdbcIdempotencyStore.create(database, IdempotencyConfig.defaults());
    return new TestServer(
        routes ->
            routes
                .codec(JacksonCodec.create())
                .keyed("POST /leased/{id}", Charge.class, (request, charge) -> run(charge))
                .idempotency(requests(stored), request -> request.header("X-Caller").orElse("none"))
                .transactional(
                    "POST /stored/{id}",
                    Charge.class,
                    transactions,
                    (request, charge, tx) -> {
                      insert(tx.unwrap(Connection.class), charge);
                      return run(charge);
                    }));
  }

  @AfterEach
  void close() {
    server.close();
    runtime.close();
  }

  private HttpAnswer run(Charge charge) throws Exception {
    int number = runs.incrementAndGet();
    KeyedHandler own = handler.get();
    return own != null
        ? own.answer(charge)
        : HttpAnswer.created("/charges/" + number).withBody(charge);
  }

  private void insert(Connection connection, Charge charge) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.executeUpdate(
          "INSERT INTO charge VALUES ('" + charge.customer() + "', " + charge.cents() + ")");
    }
  }

  private void execute(String sql) {
    try (Connection connection = source.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private int charges() throws SQLException {
    try (Connection connection = source.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT count(*) FROM charge")) {
      row.next();
      return row.getInt(1);
    }
  }

  private HttpResponse<String> post(String path, String key, String body, String... headers)
      throws Exception {
    var request =
        server
            .request(path)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body));
    if (key != null) {
      request.header("Idempotency-Key", key);
    }
    if (headers.length > 0) {
      request.headers(headers);
    }
    return server.send(request);
  }

  private static String charge(int cents) {
    return "{\"customer\":\"c\",\"cents\":" + cents + "}";
  }

  @Test
  void aRepetitionGetsTheStoredAnswer() throws Exception {
    for (String path : new String[] {"/leased/1", "/stored/1"}) {
      runs.set(0);
      HttpResponse<String> first = post(path, "\"k1\"", charge(1));
      HttpResponse<String> again = post(path, "k1", charge(1));
      assertThat(runs).as(path).hasValue(1);
      assertThat(first.statusCode()).isEqualTo(201);
      assertThat(again.statusCode()).isEqualTo(201);
      assertThat(again.body()).isEqualTo(first.body()).isEqualTo(charge(1));
      for (String name : new String[] {"Location", "Content-Type"}) {
        assertThat(again.headers().firstValue(name))
            .isPresent()
            .isEqualTo(first.headers().firstValue(name));
      }
      assertThat(post(path, "k2", charge(1)).statusCode()).isEqualTo(201);
      assertThat(runs).hasValue(2);
    }
    assertThat(charges()).isEqualTo(2);
  }

  @Test
  void keysOfOtherCallersAndOperationsAreIndependent() throws Exception {
    post("/leased/1", "k", charge(1), "X-Caller", "a");
    post("/leased/1", "k", charge(1), "X-Caller", "b");
    post("/stored/1", "k", charge(1), "X-Caller", "a");
    assertThat(runs).hasValue(3);
  }

  /** Another server might take the other one of them. */
  @Test
  void aRequestWithTwoKeysIsRefused() throws Exception {
    for (String[] keys : new String[][] {{"k1", "k2"}, {"\"k1\"", "\"k2\""}}) {
      HttpResponse<String> refused =
          post("/leased/1", keys[0], charge(1), "Idempotency-Key", keys[1]);
      assertThat(refused.statusCode()).isEqualTo(400);
      assertThat(TestServer.problem(refused).code()).contains("COMMS-HTTP-132");
    }
    assertThat(runs).hasValue(0);
  }

  @Test
  void requestsThatBreakTheRulesOfKeysAreRefusedWithoutContent() throws Exception {
    post("/leased/1", "k", charge(1));
    record Case(String path, String key, String body, int status, String code) {}
    for (Case each :
        new Case[] {
          new Case("/leased/1", null, charge(1), 400, "COMMS-HTTP-131"),
          new Case("/leased/1", "\"" + SECRET, charge(1), 400, "COMMS-HTTP-132"),
          new Case("/leased/1", SECRET.repeat(50), charge(1), 400, "COMMS-HTTP-132"),
          new Case("/leased/1", "k", charge(2), 422, "COMMS-HTTP-133"),
          new Case("/leased/2", "k", charge(1), 422, "COMMS-HTTP-133"),
          new Case("/leased/1?q=1", "k", charge(1), 422, "COMMS-HTTP-133"),
        }) {
      HttpResponse<String> refused = post(each.path(), each.key(), each.body());
      assertThat(refused.statusCode()).as("%s", each).isEqualTo(each.status());
      Problem problem = TestServer.problem(refused);
      assertThat(problem.code()).contains(each.code());
      assertThat(problem.isRetryable()).isFalse();
      assertThat(refused.body()).doesNotContain(SECRET);
    }
    assertThat(runs).hasValue(1);
    assertThat(post("/leased/1", "k", charge(1)).statusCode()).isEqualTo(201);
  }

  @Test
  void aRequestInProgressIsNotRunTwice() throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    handler.set(
        charge -> {
          assertThat(goOn.await(30, TimeUnit.SECONDS)).isTrue();
          return HttpAnswer.noContent();
        });
    CompletableFuture<Integer> first =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return post("/leased/1", "k", charge(1)).statusCode();
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            },
            command -> new Thread(command).start());
    Await.until("the first runs", LIMIT, () -> runs.get() == 1);
    HttpResponse<String> second = post("/leased/1", "k", charge(1));
    assertThat(second.statusCode()).isEqualTo(409);
    assertThat(TestServer.problem(second).code()).contains("COMMS-HTTP-134");
    assertThat(second.headers().firstValue("Retry-After")).as("not the lease").contains("1");
    goOn.countDown();
    assertThat(first.get(30, TimeUnit.SECONDS)).isEqualTo(204);
    assertThat(post("/leased/1", "k", charge(1)).statusCode()).isEqualTo(204);
    assertThat(runs).hasValue(1);
  }

  @Test
  void whatFailsRunsAgainAndLeavesNoEffect() throws Exception {
    for (Throwable failure :
        new Throwable[] {
          new IllegalStateException(SECRET),
          new LinkageError(SECRET),
          new ProblemException(Problem.builder(409).code("MINE").build())
        }) {
      for (String path : new String[] {"/leased/1", "/stored/1"}) {
        String key = "k" + failure.getClass().getSimpleName();
        int before = charges();
        handler.set(
            charge -> {
              if (failure instanceof Error error) {
                throw error;
              }
              throw (Exception) failure;
            });
        HttpResponse<String> failed = post(path, key, charge(1));
        assertThat(failed.statusCode()).isEqualTo(failure instanceof ProblemException ? 409 : 500);
        assertThat(failed.body()).doesNotContain(SECRET);
        assertThat(charges()).as("rolled back").isEqualTo(before);
        handler.set(null);
        assertThat(post(path, key, charge(1)).statusCode()).isEqualTo(201);
        assertThat(charges()).isEqualTo(path.startsWith("/stored") ? before + 1 : before);
      }
    }
  }

  @Test
  void anAnswerOfAServersFailureIsNotStored() throws Exception {
    handler.set(charge -> HttpAnswer.of(503));
    for (String path : new String[] {"/leased/1", "/stored/1"}) {
      runs.set(0);
      assertThat(post(path, "k", charge(1)).statusCode()).isEqualTo(503);
      assertThat(post(path, "k", charge(1)).statusCode()).isEqualTo(503);
      assertThat(runs).hasValue(2);
    }
    assertThat(charges()).isZero();
    handler.set(charge -> HttpAnswer.of(402));
    assertThat(post("/stored/1", "k", charge(1)).statusCode()).isEqualTo(402);
    assertThat(post("/stored/1", "k", charge(1)).statusCode()).isEqualTo(402);
    assertThat(runs).as("an answer that rejects is stored").hasValue(3);
  }

  @Test
  void anAnswerTooLargeToStoreIsGivenOnceAndItsWorkIsNotRepeated() throws Exception {
    byte[] large = new byte[2_000_000];
    handler.set(charge -> HttpAnswer.of(200).withBytes("application/octet-stream", large));
    assertThat(post("/leased/1", "k", charge(1)).body()).hasSize(large.length);
    HttpResponse<String> again = post("/leased/1", "k", charge(1));
    assertThat(again.statusCode()).isEqualTo(200);
    assertThat(TestServer.problem(again).code()).contains("COMMS-IDEMPOTENCY-004");
    assertThat(runs).hasValue(1);
  }

  @Test
  void aMalformedBodyTakesNoKey() throws Exception {
    assertThat(post("/leased/1", "k", "{").statusCode()).isEqualTo(400);
    assertThat(post("/leased/1", "k", charge(1)).statusCode()).isEqualTo(201);
  }

  @Test
  void settingsThatContradictEachOtherAreRefused() {
    HttpRoutes.Builder none =
        HttpRoutes.builder(runtime)
            .codec(JacksonCodec.create())
            .keyed("POST /x", Charge.class, (request, charge) -> run(charge));
    assertThatThrownBy(none::build)
        .hasMessage("idempotency: none (expected: set by idempotency(...) of the builder)");
    IdempotencyStore leases =
        InMemoryIdempotencyStore.create(runtime.time(), Duration.ofMinutes(5), 1_000);
    IdempotentRequests shortly =
        IdempotentRequests.builder(leases).lease(Duration.ofSeconds(60)).build();
    HttpRoutes.Builder shortLease =
        HttpRoutes.builder(runtime)
            .codec(JacksonCodec.create())
            .idempotency(shortly, request -> "c")
            .keyed("POST /x", Charge.class, (request, charge) -> run(charge));
    assertThatThrownBy(shortLease::build)
        .hasMessage("lease: PT1M (expected: more than maxTimeout, PT1M)");
    // Effects and answer of a transaction commit together, so no lease keeps others away.
    HttpRoutes.builder(runtime)
        .codec(JacksonCodec.create())
        .idempotency(shortly, request -> "c")
        .transactional(
            "POST /x",
            Charge.class,
            JdbcTransactionRunner.create(database),
            (request, charge, tx) -> run(charge))
        .build();
    assertThatThrownBy(
            () -> HttpRoutes.builder(runtime).keyed("GET /x", byte[].class, (r, b) -> null))
        .hasMessage("template: GET /x (expected: up to 119 characters, and not of GET)");
  }
}
